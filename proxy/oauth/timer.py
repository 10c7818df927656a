"""Calls that are to come."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Alarm(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Let it not come."""
        ...


class Timer(Protocol):
    """Calls back later."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Alarm:
        """Call once, in so many seconds."""
        ...


class LoopTimer:
    """The timer of the running event loop."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Alarm:
        """Call once, in so many seconds."""
        return asyncio.get_running_loop().call_later(seconds, callback)
