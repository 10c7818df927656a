"""Token buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding.limits import rate
from proxy.forwarding.limits.rate import TokenBuckets, counted_as


def test_a_burst_passes_and_then_one_an_interval() -> None:
    """A refused request does not count."""
    buckets = TokenBuckets(interval=0.5, burst=3)

    assert [buckets.acquire("a", 10.0) for _ in range(3)] == [0, 0, 0]
    assert [buckets.acquire("a", 10.0) for _ in range(5)] == pytest.approx([0.5] * 5, abs=1e-5)
    assert buckets.acquire("a", 10.4) == pytest.approx(0.1, abs=1e-5)
    assert buckets.acquire("a", 10.5) == 0
    assert buckets.acquire("a", 10.5) > 0


def test_a_bucket_is_never_more_than_full() -> None:
    """A long pause adds nothing."""
    buckets = TokenBuckets(interval=1, burst=2)
    buckets.acquire("a", 0)

    assert [buckets.acquire("a", 1e6) > 0 for _ in range(3)] == [False, False, True]


def test_each_sender_has_a_bucket_of_its_own() -> None:
    """Senders do not affect each other."""
    buckets = TokenBuckets(interval=1, burst=1)

    assert [buckets.acquire(sender, 0) > 0 for sender in ("a", "a", "b")] == [False, True, False]


def test_a_sender_whose_bucket_is_full_is_forgotten() -> None:
    """The next request drops it."""
    buckets = TokenBuckets(interval=1, burst=2)
    for sender in ("a", "b", "a"):
        buckets.acquire(sender, 0)
    buckets.acquire("c", 1.5)
    assert len(buckets) == 2

    buckets.acquire("c", 2.0)
    assert len(buckets) == 1


def test_no_more_senders_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least recently used bucket is dropped."""
    monkeypatch.setattr(rate, "MOST_SENDERS", 3)
    buckets = TokenBuckets(interval=1, burst=1)
    for sender in ("a", "b", "c", "d"):
        buckets.acquire(sender, 0)

    assert len(buckets) == 3
    assert buckets.acquire("d", 0) > 0
    assert buckets.acquire("a", 0) == 0


def test_a_rate_that_no_clock_can_tell_from_none_limits_nothing() -> None:
    """A short interval changes no late time."""
    buckets = TokenBuckets(interval=1e-9, burst=1)

    assert [buckets.acquire("a", 1e9) for _ in range(3)] == [0, 0, 0]
    assert len(buckets) == 0


@given(count=st.integers(1, 100), burst=st.integers(1, 20), pauses=st.lists(st.floats(0, 3), max_size=200))
def test_no_stretch_of_time_lets_more_through_than_burst_and_rate(count: int, burst: int, pauses: list[float]) -> None:
    """The pauses between requests do not matter."""
    buckets, now, passed = TokenBuckets(interval=1 / count, burst=burst), 0.0, []
    for pause in pauses:
        now += pause
        if not buckets.acquire("a", now):
            passed.append(now)

    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - start) * count + 1e-3


@given(count=st.integers(1, 100), burst=st.integers(1, 20), asked=st.integers(1, 40))
def test_who_waits_as_long_as_told_passes(count: int, burst: int, asked: int) -> None:
    """An earlier request is refused."""
    buckets, now = TokenBuckets(interval=1 / count, burst=burst), 1000.0
    for _ in range(asked):
        wait = buckets.acquire("a", now)
        if wait:
            assert buckets.acquire("a", now + wait - 1e-5) > 0
            now += wait + 1e-9
            assert buckets.acquire("a", now) == 0


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::9", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_an_address_is_counted_as_one_sender(address: str, sender: str) -> None:
    """A host may use a whole IPv6 /64."""
    assert counted_as(address) == sender
