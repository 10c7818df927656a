"""Calls that are to come."""

from collections.abc import Callable
from typing import Protocol

from proxy.timeouts import LateCall


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
    """The timer of the running event loop; a token that is there is read before anybody is told that it is late."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Alarm:
        """Call once, in so many seconds."""
        return LateCall(seconds, callback)
