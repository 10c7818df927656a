"""One probe at a time, and nothing else, while something is away."""

from collections.abc import Callable
from typing import cast

import pytest

from proxy.outbox.circuit_breaker import CircuitBreaker, Timer, admit
from tests.fakes.clock import HandTimerHandle
from tests.fakes.loop import HandLoop


class RoundingLoop(HandLoop):
    """As those of uvloop."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> HandTimerHandle:
        """Or a little earlier."""
        return super().call_later(round(seconds, 3), callback)


@pytest.fixture
def clock() -> HandLoop:
    """The timer of the breakers."""
    return HandLoop()


@pytest.fixture
def breaker(clock: HandLoop) -> CircuitBreaker:
    """A closed one."""
    return CircuitBreaker(cast("Timer", clock))


def refuse() -> None:
    """Is called when a probe may pass."""


def test_closed_it_admits_everything(breaker: CircuitBreaker) -> None:
    """And no delivery is a probe."""
    assert admit([breaker], 4, refuse) == (4, ())


def test_open_it_admits_nothing_until_its_time_is_over(breaker: CircuitBreaker, clock: HandLoop) -> None:
    """Then one probe passes."""
    called: list[str] = []
    breaker.failed(10, by_probe=False)
    assert admit([breaker], 4, lambda: called.append("refused")) == (0, ())
    clock.advance(9.9)
    assert (admit([breaker], 4, refuse), called) == ((0, ()), [])
    clock.advance(0.1)
    assert called == ["refused"]
    assert admit([breaker], 4, refuse) == (1, (breaker,))
    assert admit([breaker], 4, refuse) == (0, ())


def test_a_timer_that_fires_early_lets_the_probe_pass() -> None:
    """Nothing would ask again."""
    clock = RoundingLoop()
    called: list[str] = []
    breaker = CircuitBreaker(cast("Timer", clock))
    breaker.failed(10.0004, by_probe=False)
    admit([breaker], 4, lambda: called.append("refused"))
    clock.advance(10)
    assert called == ["refused"]
    assert admit([breaker], 4, refuse) == (1, (breaker,))


def test_a_person_gets_a_probe_before_its_time(breaker: CircuitBreaker, clock: HandLoop) -> None:
    """If it fails, the next one waits as ever."""
    called: list[str] = []
    breaker.probe_now()
    breaker.failed(10, by_probe=False)
    admit([breaker], 4, lambda: called.append("refused"))
    breaker.probe_now()
    assert called == ["refused"]
    assert admit([breaker], 4, refuse) == (1, (breaker,))
    breaker.probe_now()
    assert admit([breaker], 4, refuse) == (0, ())
    breaker.failed(20, by_probe=True)
    assert (breaker.failures, breaker.seconds_left, clock.pauses) == (2, 20, [20])


def test_only_a_probe_counts_while_it_is_open(breaker: CircuitBreaker, clock: HandLoop) -> None:
    """Other failures had begun before."""
    breaker.failed(10, by_probe=False)
    clock.advance(4)
    breaker.failed(10, by_probe=False)
    assert (breaker.failures, breaker.seconds_left) == (1, 6)
    clock.advance(6)
    admit([breaker], 1, refuse)
    breaker.failed(20, by_probe=True)
    assert (breaker.failures, breaker.seconds_left) == (2, 20)


def test_a_successful_probe_closes_it_and_tells_who_waits(breaker: CircuitBreaker, clock: HandLoop) -> None:
    """Each of them once."""
    called: list[int] = []
    breaker.failed(10, by_probe=False)
    clock.advance(10)
    admit([breaker], 1, refuse)
    for number in range(3):
        admit([breaker], 1, lambda number=number: called.append(number))  # type: ignore[misc]
    breaker.succeeded()
    assert (called, breaker.failures, admit([breaker], 4, refuse)) == ([0, 1, 2], 0, (4, ()))
    clock.advance(100)
    assert called == [0, 1, 2]


def test_a_probe_that_told_nothing_is_given_to_the_next(breaker: CircuitBreaker, clock: HandLoop) -> None:
    """It stays half-open."""
    breaker.failed(10, by_probe=False)
    clock.advance(10)
    admit([breaker], 1, refuse)
    breaker.abandon()
    assert admit([breaker], 4, refuse) == (1, (breaker,))
    assert "1 failures" in repr(breaker)


def test_two_have_to_admit_a_delivery(clock: HandLoop) -> None:
    """The first is left to another route."""
    first, second = (CircuitBreaker(cast("Timer", clock)) for _ in range(2))
    first.failed(10, by_probe=False)
    second.failed(20, by_probe=False)
    clock.advance(10)
    assert admit([first, second], 4, refuse) == (0, ())
    assert admit([first], 4, refuse) == (1, (first,))
    first.abandon()
    clock.advance(10)
    assert admit([first, second], 4, refuse) == (1, (first, second))


def test_stopped_it_leaves_no_timer(breaker: CircuitBreaker, clock: HandLoop) -> None:
    """A second time does nothing."""
    breaker.failed(10, by_probe=False)
    breaker.stop()
    breaker.stop()
    assert clock.pauses == []
