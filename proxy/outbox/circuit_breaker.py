"""Spares an upstream, or a token endpoint, that cannot be reached: one probe at a time, with a backoff of its own.

state      what passes            goes on to
closed     everything             open by a failure
open       nothing                half-open when its time is over
half-open  one delivery at a time closed by its success, open by its failure
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol


class Timer(Protocol):
    """The part of an event loop that waits."""

    def time(self) -> float:
        """Seconds of a monotonic clock."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        """Calls once, after so many seconds."""
        ...


class CircuitBreaker:
    """Shared by all routes to one upstream, or with one OAuth client."""

    def __init__(self, timer: Timer) -> None:
        self.failures = 0
        "Probes that have failed in a row, the delivery that opened it included; 0 if it is closed."
        self._timer = timer
        self._until = 0.0
        self._probing = False
        self._refused: dict[Callable[[], None], None] = {}
        "To be called when a probe may pass; in order, each once."
        self._handle: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.failures} failures, {self.seconds_left:g} s left>"

    @property
    def seconds_left(self) -> float:
        """Seconds until the next probe may pass."""
        return max(0.0, self._until - self._timer.time()) if self.failures else 0.0

    def begin_probe(self, refused: Callable[[], None]) -> bool:
        """Whether a probe may pass now; it has to be ended. If not, `refused` is called when it may be tried again."""
        if self._probing or self.seconds_left:
            self._refused[refused] = None
            return False
        self._probing = True
        return True

    def failed(self, pause: float, *, by_probe: bool) -> None:
        """Opens for so many seconds. Other deliveries than the probe count only if it was closed."""
        if self.failures and not by_probe:
            return
        self.failures += 1
        self._probing = False
        self._until = self._timer.time() + pause
        self.stop()
        self._handle = self._timer.call_later(pause, self._half_open)

    def succeeded(self) -> None:
        """Closes, after a probe."""
        self.failures = 0
        self.abandon()

    def abandon(self) -> None:
        """Ends a probe that told nothing."""
        self._probing = False
        self._call_refused()

    def probe_now(self) -> None:
        """Lets the next probe pass before its time, because a person wants to know."""
        if self.failures:
            self.stop()
            self._half_open()

    def stop(self) -> None:
        """Ends its timer."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _half_open(self) -> None:
        self._handle = None
        self._until = 0.0  # timers may fire a little early, and this one fires once
        self._call_refused()

    def _call_refused(self) -> None:
        refused, self._refused = self._refused, {}
        for call in refused:
            call()


Probes = tuple[CircuitBreaker, ...]
"The circuit breakers for which a delivery is the probe."


def admit(breakers: Iterable[CircuitBreaker], most: int, refused: Callable[[], None]) -> tuple[int, Probes]:
    """Returns how many deliveries may begin, up to `most`, and what the one is a probe for."""
    probes: Probes = ()
    for breaker in breakers:
        if not breaker.failures:
            continue
        if not breaker.begin_probe(refused):
            for each in probes:
                each.abandon()
            return 0, ()
        probes += (breaker,)
        most = 1
    return most, probes
