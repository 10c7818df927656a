"""Runs the event loop of a command, and handles the signals that end it."""

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
    """Returns uvloop's event loop if it is installed; None means asyncio's own."""
    try:
        from uvloop import Loop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return Loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs the coroutine. SIGINT cancels it, and KeyboardInterrupt is raised after its cleanup.

    A second SIGINT ends the process at once with 1: asyncio would interrupt the cleanup and warn about open resources.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_ended_by_a_second(coroutine))


async def _ended_by_a_second(coroutine: Coroutine[Any, Any, T]) -> T:
    cancel = signal.getsignal(signal.SIGINT)
    if callable(cancel):  # else SIGINT is ignored, and stays so
        signal.signal(signal.SIGINT, partial(_interrupt, cancel))
    return await coroutine


def _interrupt(cancel: Callable[[int, FrameType | None], object], number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, end_at_once)
    cancel(number, frame)


def signalled() -> asyncio.Event:
    """Returns an event that SIGTERM or SIGINT sets; a second signal ends the process at once with 1."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        stopping.set()
        for number in ENDING:  # works even if the event loop hangs; process 1 has no default action
            loop.remove_signal_handler(number)
            signal.signal(number, end_at_once)

    for number in ENDING:
        loop.add_signal_handler(number, stop)
    return stopping


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Runs `work`, and cancels it if `stopping` is set first. Returns whether it completed; raises its exceptions."""
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
    """Ends the process without cleanup."""
    os._exit(1)
