"""When token endpoints are asked again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import Provider
from proxy.errors import GrantRejected, GrantUnavailable
from proxy.oauth.backoff import GrantFailure, remember, retry_pause
from proxy.oauth.token import Moment

NOW = Moment(monotonic=100.0, wall=1_800_000_000.0)


@pytest.mark.parametrize(
    ("status", "pauses"),
    [
        pytest.param(None, [0.3, 0.6, 1.2, None], id="no connection"),
        pytest.param(408, [0.3, 0.6, 1.2, None], id="408"),
        pytest.param(502, [0.3, 0.6, 1.2, None], id="502"),
        pytest.param(504, [0.3, 0.6, 1.2, None], id="504"),
        pytest.param(500, [1.0, 3.0, 9.0, None], id="500"),
        pytest.param(503, [1.0, 3.0, 9.0, None], id="503"),
        pytest.param(429, [1.0, 3.0, 9.0, None], id="429 that does not say when"),
        pytest.param(401, [None], id="401"),
        pytest.param(403, [None], id="403"),
        pytest.param(400, [None], id="400"),
        pytest.param(501, [None], id="501"),
        pytest.param(200, [None], id="200 without a token"),
    ],
)
def test_a_grant_is_retried_as_saps_table_says(status: int | None, pauses: list[float | None]) -> None:
    """Number and length of the pauses, without jitter."""
    found = [
        retry_pause(status, retries=n, retry_after=None, provider=Provider.XSUAA, jitter=0.0)
        for n in range(len(pauses))
    ]
    assert found == [None if each is None else pytest.approx(each) for each in pauses]


def test_neo_is_retried_at_most_twice() -> None:
    """Its limiter slows down whoever asks more often."""
    pauses = [retry_pause(503, retries=n, retry_after=None, provider=Provider.NEO, jitter=0.0) for n in range(3)]
    assert pauses == [1.0, 3.0, None]


@pytest.mark.parametrize(("status", "expected"), [(429, 7.0), (503, 7.0), (502, 7.0)])
def test_the_server_says_how_long(status: int, expected: float) -> None:
    """Retry-After is obeyed where it is longer than the table's pause, which a 429 then has none of."""
    found = retry_pause(status, retries=0, retry_after=7, provider=Provider.GENERIC, jitter=1.0)
    assert found == expected


def test_a_short_retry_after_does_not_hurry_a_failing_server() -> None:
    """A 503 waits at least as long as the table says."""
    assert retry_pause(503, retries=1, retry_after=1, provider=Provider.GENERIC, jitter=0.0) == 3.0


def test_jitter_prolongs_a_retry() -> None:
    """By a quarter at most."""
    assert retry_pause(500, retries=0, retry_after=None, provider=Provider.GENERIC, jitter=1.0) == 1.25


def failures(count: int, *, jitter: float = 0.0) -> GrantFailure:
    """Fail so many times in a row."""
    failure = None
    for _ in range(count):
        failure = remember(GrantRejected("No."), previous=failure, now=NOW, jitter=jitter)
    assert failure is not None
    return failure


def test_pauses_between_grants_double_up_to_a_minute() -> None:
    """1, 2, 4 … 60 seconds."""
    pauses = [failures(count).retry_at.seconds_from(NOW) for count in (1, 2, 3, 4, 5, 6, 7, 8, 2000)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_jitter_shortens_the_pause_between_grants() -> None:
    """By a quarter at most."""
    assert failures(1, jitter=1.0).retry_at.seconds_from(NOW) == 0.75


def test_a_failure_knows_how_many_and_since_when() -> None:
    """Since the first of the row, on the wall."""
    first = remember(GrantRejected("No."), previous=None, now=NOW, jitter=0.0)
    second = remember(GrantRejected("Still no."), previous=first, now=NOW.after(30), jitter=0.0)
    assert (second.count, second.since, second.error.detail) == (2, NOW.wall, "Still no.")


def test_the_servers_retry_after_is_waited_for() -> None:
    """Also where it is longer than a minute, and without jitter."""
    failure = remember(GrantUnavailable("Later.", retry_after=300), previous=None, now=NOW, jitter=1.0)
    assert failure.retry_at == NOW.after(300)


def test_a_refusal_is_a_new_error_with_the_time_that_is_left() -> None:
    """Class and sentence are those of the failure, Retry-After is rounded up."""
    failure = remember(GrantUnavailable("Later.", retry_after=300), previous=None, now=NOW, jitter=0.0)
    refusal = failure.refusal(NOW.after(99.5))
    assert (type(refusal), refusal.detail, refusal.retry_after) == (GrantUnavailable, "Later.", 201)
    assert refusal is not failure.error


@given(
    count=st.integers(min_value=1, max_value=50),
    jitter=st.floats(min_value=0, max_value=1),
    later=st.floats(min_value=0, max_value=1e6),
)
def test_a_pause_is_never_longer_than_a_minute_nor_shorter_than_a_blink(
    count: int, jitter: float, later: float
) -> None:
    """Without the server's word, for any number of failures; Retry-After is 1 to 600 whole seconds at any time."""
    failure = failures(count, jitter=jitter)
    assert 0.75 <= failure.retry_at.seconds_from(NOW) <= 60
    assert failure.refusal(NOW.after(later)).retry_after in range(1, 601)
