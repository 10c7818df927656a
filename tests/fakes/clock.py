"""A clock and its timer, moved by hand."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class HandTimerHandle:
    """A scheduled call."""

    due: float
    number: int
    callback: Callable[[], None] = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.is_cancelled = True


class HandClock:
    """Its timer follows the monotonic clock, as an event loop's does."""

    def __init__(self, *, monotonic: float = 1000.0, wall: float = 1_800_000_000.0) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._handles: list[HandTimerHandle] = []
        self._numbers = itertools.count()

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def call_later(self, seconds: float, callback: Callable[[], None]) -> HandTimerHandle:
        handle = HandTimerHandle(self._monotonic + seconds, next(self._numbers), callback)
        heapq.heappush(self._handles, handle)
        return handle

    @property
    def pauses(self) -> list[float]:
        """Seconds until each scheduled call, the nearest first."""
        return [each.due - self._monotonic for each in sorted(self._handles) if not each.is_cancelled]

    def advance(self, seconds: float) -> None:
        """Move both clocks, and make the calls that are due, in order."""
        end = self._monotonic + seconds
        while self._handles and self._handles[0].due <= end:
            handle = heapq.heappop(self._handles)
            self._pass(max(0.0, handle.due - self._monotonic))
            if not handle.is_cancelled:
                handle.callback()
        self._pass(end - self._monotonic)

    def leap(self, seconds: float) -> None:
        """Let time pass on both clocks while the process stands still; then the calls that are due by then are made.

        Calls that these ask for come later, when the event loop has had a turn.
        """
        self._pass(seconds)
        due = [handle for handle in sorted(self._handles) if handle.due <= self._monotonic]
        self._handles = [handle for handle in self._handles if handle.due > self._monotonic]
        heapq.heapify(self._handles)
        for handle in due:
            if not handle.is_cancelled:
                handle.callback()

    def suspend(self, seconds: float) -> None:
        """Only the wall clock goes on."""
        self._wall += seconds

    def set_wall(self, seconds: float) -> None:
        """By a step, as NTP does."""
        self._wall += seconds

    def _pass(self, seconds: float) -> None:
        self._monotonic += seconds
        self._wall += seconds
