"""When token endpoints are asked again after a failure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import Provider
from proxy.errors import GrantRejected, GrantUnavailable
from proxy.oauth.backoff import GrantFailure, remember, retry_pause
from proxy.oauth.token import Moment
from tests.cases import cases

NOW = Moment(monotonic=100.0, wall=1_800_000_000.0)


@cases(
    "status, pauses",
    *((status, [0.3, 0.6, 1.2, None]) for status in (None, 408, 502, 504)),
    *((status, [1.0, 3.0, 9.0, None]) for status in (429, 500, 503)),
    *((status, [None]) for status in (200, 400, 401, 403, 501)),
)
def test_a_grant_is_retried_as_saps_table_says(status: int | None, pauses: list[float | None]) -> None:
    """Without jitter."""
    found = [
        retry_pause(status, retries=n, retry_after=None, provider=Provider.XSUAA, jitter=0.0)
        for n in range(len(pauses))
    ]
    assert found == [None if each is None else pytest.approx(each) for each in pauses]


@cases(
    "status, changes, pause",
    {
        "Neo slows down clients that ask a third time": (503, {"retries": 2, "provider": Provider.NEO}, None),
        "Retry-After of 429": (429, {"retry_after": 7, "jitter": 1.0}, 7.0),
        "Retry-After of 503": (503, {"retry_after": 7, "jitter": 1.0}, 7.0),
        "Retry-After of 502": (502, {"retry_after": 7, "jitter": 1.0}, 7.0),
        "a short Retry-After does not hurry a failing server": (503, {"retries": 1, "retry_after": 1}, 3.0),
        "jitter adds a quarter, so that replicas do not retry at once": (500, {"jitter": 1.0}, 1.25),
        "Neo is retried twice": (503, {"retries": 1, "provider": Provider.NEO}, 3.0),
    },
)
def test_provider_server_and_jitter_change_a_pause(status: int, changes: dict[str, Any], pause: float | None) -> None:
    """Retry-After counts if it is longer than the table's pause, and has no jitter."""
    options = {"retries": 0, "retry_after": None, "provider": Provider.GENERIC, "jitter": 0.0}
    assert retry_pause(status, **options | changes) == pause


def failures(count: int, *, jitter: float = 0.0) -> GrantFailure:
    """Fail `count` times in a row."""
    failure = None
    for _ in range(count):
        failure = remember(GrantRejected("No."), previous=failure, now=NOW, jitter=jitter)
    assert failure is not None
    return failure


def test_pauses_between_grants_double_up_to_a_minute() -> None:
    """The first pause is one second."""
    pauses = [failures(count).retry_at.seconds_from(NOW) for count in (1, 2, 3, 4, 5, 6, 7, 8, 2000)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_jitter_takes_a_quarter_from_the_pause_between_grants() -> None:
    """So that replicas differ."""
    assert failures(1, jitter=1.0).retry_at.seconds_from(NOW) == 0.75


def test_a_failure_counts_and_keeps_the_time_of_the_first() -> None:
    """The error is the latest one."""
    first = remember(GrantRejected("No."), previous=None, now=NOW, jitter=0.0)
    second = remember(GrantRejected("Still no."), previous=first, now=NOW.after(30), jitter=0.0)
    assert second.count == 2
    assert second.since == NOW.wall
    assert second.error.detail == "Still no."


def test_the_servers_retry_after_is_waited_for() -> None:
    """It may be longer than a minute, and has no jitter."""
    failure = remember(GrantUnavailable("Later.", retry_after=300), previous=None, now=NOW, jitter=1.0)
    assert failure.retry_at == NOW.after(300)


def test_a_refusal_is_a_copy_of_the_error_with_the_time_that_is_left() -> None:
    """Retry-After is rounded up."""
    failure = remember(GrantUnavailable("Later.", retry_after=300), previous=None, now=NOW, jitter=0.0)
    refusal = failure.refusal(NOW.after(99.5))
    assert type(refusal) is GrantUnavailable
    assert refusal.detail == "Later."
    assert refusal.retry_after == 201
    assert refusal is not failure.error


@given(
    count=st.integers(min_value=1, max_value=50),
    jitter=st.floats(min_value=0, max_value=1),
    later=st.floats(min_value=0, max_value=1e6),
)
def test_a_pause_is_at_most_a_minute(count: int, jitter: float, later: float) -> None:
    """It is at least 0.75 s, and Retry-After 1 to 600 s."""
    failure = failures(count, jitter=jitter)
    assert 0.75 <= failure.retry_at.seconds_from(NOW) <= 60
    assert failure.refusal(NOW.after(later)).retry_after in range(1, 601)
