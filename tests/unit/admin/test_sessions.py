"""Sessions end by time and by number."""

from proxy.admin.sessions import LIFETIME, MOST, Sessions
from tests.fakes.clock import HandClock


def test_a_session_ends_after_its_lifetime() -> None:
    """Other values are none."""
    clock = HandClock()
    sessions = Sessions(clock.monotonic)
    value = sessions.open().encode()
    assert (sessions.admits(value), sessions.admits(value + b"x"), sessions.admits(b"")) == (True, False, False)
    clock.advance(LIFETIME - 1)
    assert sessions.admits(value)
    clock.advance(1)
    assert not sessions.admits(value)


def test_one_more_than_the_most_ends_the_oldest() -> None:
    """The others go on."""
    sessions = Sessions(HandClock().monotonic)
    values = [sessions.open().encode() for _ in range(MOST + 1)]
    assert [sessions.admits(value) for value in values] == [False, *[True] * MOST]
    assert len(set(values)) == MOST + 1


def test_all_can_be_ended_and_one_consumed() -> None:
    """What was consumed is gone."""
    clock = HandClock()
    sessions = Sessions(clock.monotonic, lifetime=60)
    once, late, never = (sessions.open().encode() for _ in range(3))
    assert (sessions.consume(once), sessions.consume(once), sessions.admits(once)) == (True, False, False)
    clock.advance(60)
    assert not sessions.consume(late)
    clock.advance(-60)
    assert sessions.admits(never)
    sessions.end()
    assert not sessions.admits(never)
