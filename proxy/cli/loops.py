"""The event loop of a command, and the signals that end it."""

import asyncio
import os
import signal
from typing import NoReturn

ENDING = (signal.SIGTERM, signal.SIGINT)


def loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    """Uvloop's loop where the platform has it, else asyncio's own."""
    try:
        from uvloop import Loop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return Loop


def signalled() -> asyncio.Event:
    """Set on SIGTERM or SIGINT. A second one ends the process at once, with 1, whatever still hangs."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        stopping.set()
        for number in ENDING:  # below the event loop, and until the process ends; as process 1 there is no default
            loop.remove_signal_handler(number)
            signal.signal(number, end_at_once)

    for number in ENDING:
        loop.add_signal_handler(number, stop)
    return stopping


def end_at_once(_number: int, _frame: object) -> NoReturn:
    """End without a word to anybody."""
    os._exit(1)
