"""Tokens and their freshness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.oauth.answer import Granted
from proxy.oauth.token import Freshness, Moment, Token, issue
from tests.cases import cases
from tests.fakes.clock import HandClock

START = Moment(monotonic=100.0, wall=1_800_000_000.0)


def token_of(expires_in: float | None = 3600.0, *, buffer: float = 300.0, jitter: float = 0.0) -> Token:
    """A token obtained at START."""
    granted = Granted(access_token="t0ken", expires_in=expires_in, scopes=("a", "b"))
    return issue(granted, asked=START, expiry_buffer=buffer, default_ttl=1000.0, jitter=jitter)


def test_a_token_has_its_field_value_and_times() -> None:
    """The lifetime counts from the request."""
    assert token_of() == Token(
        authorization=b"Bearer t0ken",
        obtained=START,
        fresh_until=START.after(3300.0),
        expires=START.after(3600.0),
        scopes=("a", "b"),
    )


def test_the_repr_does_not_show_the_token() -> None:
    """A token in a traceback stays secret."""
    assert "t0ken" not in repr(token_of())
    assert "t0ken" not in repr(Granted(access_token="t0ken"))


@cases(
    "monotonic, wall, expected",
    (0, 0, Freshness.FRESH),
    (3299, 3299, Freshness.FRESH),
    (3300, 3300, Freshness.STALE),
    (3599, 3599, Freshness.STALE),
    (3600, 3600, Freshness.EXPIRED),
    pytest.param(10, 7200, Freshness.EXPIRED, id="suspended, so the monotonic clock stood still"),
    pytest.param(3600, -5000, Freshness.EXPIRED, id="wall clock set back"),
    pytest.param(10, 3400, Freshness.STALE, id="wall clock set on"),
)
def test_freshness_is_decided_on_both_clocks(monotonic: float, wall: float, expected: Freshness) -> None:
    """The clock that is ahead decides."""
    now = Moment(monotonic=START.monotonic + monotonic, wall=START.wall + wall)
    assert token_of().freshness(now) is expected


@cases(
    "lifetime, buffer, jitter, fresh_for",
    {
        "the buffer as configured": (3600.0, 300.0, 0.0, 3300.0),
        "never more than a fifth": (600.0, 300.0, 0.0, 480.0),
        "one second": (1.0, 300.0, 0.0, 0.8),
        "jitter takes a fifth of the buffer": (3600.0, 300.0, 1.0, 3360.0),
        "no buffer, no staleness": (3600.0, 0.0, 1.0, 3600.0),
        "the default lifetime": (None, 300.0, 0.0, 800.0),
    },
)
def test_a_token_is_fresh_until(lifetime: float | None, buffer: float, jitter: float, fresh_for: float) -> None:
    """The buffer, its limit and jitter decide when renewal is due."""
    token = token_of(lifetime, buffer=buffer, jitter=jitter)
    assert token.fresh_until.monotonic - START.monotonic == pytest.approx(fresh_for)


def test_the_clock_that_is_ahead_tells_the_age() -> None:
    """On a suspended machine, or if the wall clock is set back."""
    token = token_of()
    assert not token.older_than(10, START.after(9))
    assert token.older_than(10, START.after(10))
    assert token.older_than(10, Moment(monotonic=START.monotonic, wall=START.wall + 10))
    assert not token.older_than(10, Moment(monotonic=START.monotonic + 5, wall=START.wall - 100))


def test_a_moment_has_both_readings_of_the_clock() -> None:
    """Neither clock alone can be trusted."""
    clock = HandClock(monotonic=5.0, wall=7.0)
    assert Moment.now(clock) == Moment(monotonic=5.0, wall=7.0)


def test_the_time_left_is_the_shorter_of_both_clocks() -> None:
    """The clock that is ahead decides."""
    assert START.after(10).seconds_from(Moment(monotonic=START.monotonic + 4, wall=START.wall + 7)) == 3


@given(
    lifetime=st.floats(min_value=0.01, max_value=1e7),
    buffer=st.floats(min_value=0, max_value=1e6),
    jitter=st.floats(min_value=0, max_value=1),
    slept=st.floats(min_value=0, max_value=1e7),
)
def test_a_token_is_fresh_for_most_of_its_life_and_never_after(
    lifetime: float, buffer: float, jitter: float, slept: float
) -> None:
    """At least 79 %, on either clock."""
    token = token_of(lifetime, buffer=buffer, jitter=jitter)
    assert token.freshness(START.after(lifetime * 0.79)) is Freshness.FRESH
    assert token.freshness(Moment(monotonic=START.monotonic, wall=START.wall + lifetime + slept)) is Freshness.EXPIRED
    assert token.freshness(Moment(monotonic=START.monotonic + lifetime + slept, wall=0.0)) is Freshness.EXPIRED
