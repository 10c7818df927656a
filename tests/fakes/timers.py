"""Timers that tests ring."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False)
class Timer:
    """Scheduled."""

    seconds: float
    call: Callable[[], None]
    timers: "Timers"

    def cancel(self) -> None:
        self.timers.discard(self)


class Timers:
    """In place of `loop.call_later`."""

    def __init__(self) -> None:
        self._due: list[Timer] = []

    def __call__(self, seconds: float, call: Callable[[], None]) -> Timer:
        timer = Timer(seconds, call, self)
        self._due.append(timer)
        return timer

    @property
    def seconds(self) -> list[float]:
        return sorted(timer.seconds for timer in self._due)

    def discard(self, timer: Timer) -> None:
        self._due = [each for each in self._due if each is not timer]

    def ring(self, seconds: float) -> None:
        """All of so many seconds."""
        for timer in [each for each in self._due if each.seconds == seconds]:
            self.discard(timer)
            timer.call()
