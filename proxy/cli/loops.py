"""The event loop of a command, and the signals that end it."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from types import FrameType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

ENDING = (signal.SIGTERM, signal.SIGINT)


def loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    """Uvloop's loop where the platform has it, else asyncio's own."""
    try:
        from uvloop import Loop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return Loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end. SIGINT cancels it, and KeyboardInterrupt is raised when it has closed what it has opened.

    A second one ends the process at once, with 1: asyncio would cut that short, and everything left open complain.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_ended_by_a_second(coroutine))


async def _ended_by_a_second(coroutine: Coroutine[Any, Any, T]) -> T:
    cancel = signal.getsignal(signal.SIGINT)
    if callable(cancel):  # else SIGINT is ignored, and goes on to be
        signal.signal(signal.SIGINT, partial(_interrupt, cancel))
    return await coroutine


def _interrupt(cancel: Callable[[int, FrameType | None], object], number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, end_at_once)
    cancel(number, frame)


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


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Do something, and say whether it is done; it is cancelled when it is time to stop. Raises what it raises."""
    working, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        is_done = not working.cancel()
        stopped.cancel()
        await asyncio.wait({working, stopped})
    if is_done:
        working.result()
    return is_done


def end_at_once(_number: int, _frame: object) -> NoReturn:
    """End without a word to anybody."""
    os._exit(1)
