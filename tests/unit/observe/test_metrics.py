"""Counters and histograms."""

from http import HTTPStatus

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.metrics import BUCKETS, Histogram, Metrics
from tests.cases import cases


def finished(
    *, method: str = "POST", status: int = 200, attempts: int = 1, replays: tuple[str, ...] = ()
) -> ExchangeRecord:
    """0.2 s: connect 0.03, first byte 0.1, relay 0.07."""
    record = ExchangeRecord("id-1", method)
    record.route, record.status, record.attempts, record.replays = "orders", status, attempts, replays
    record.total_seconds, record.connect_seconds, record.first_byte_seconds = 0.2, 0.03, 0.1
    record.relay_seconds = 0.07
    return record


def counted(*records: ExchangeRecord) -> Metrics:
    """Of these records."""
    metrics = Metrics()
    for each in records:
        metrics.finished(each)
    return metrics


def test_exchanges_are_counted_by_route_method_status_and_maker() -> None:
    """Each route has a histogram."""
    metrics = counted(*(finished(status=status) for status in (200, 200, 500)))
    assert metrics.exchanges == {("orders", "POST", "200", "upstream"): 2, ("orders", "POST", "500", "upstream"): 1}
    assert {route: sum(each.counts) for route, each in metrics.seconds.items()} == {"orders": 3}


@cases("method", "PROPFIND", "", "x" * 5000)
def test_unregistered_methods_count_as_other(method: str) -> None:
    """Senders make no series."""
    assert counted(finished(method=method)).exchanges == {("orders", "other", "200", "upstream"): 1}


def test_unregistered_statuses_count_by_class() -> None:
    """Others by themselves."""
    metrics = counted(*(finished(status=status) for status in range(100, 1000)))
    registered = {str(each.value): 1 for each in HTTPStatus}
    labels = {key[2]: count for key, count in metrics.exchanges.items()}
    classes = {f"{first}xx": 100 - sum(each[0] == str(first) for each in registered) for first in range(1, 10)}
    assert labels == registered | classes


def test_a_sender_that_left_counts_as_499() -> None:
    """An upstream's as 4xx."""
    left = finished(status=0)
    left.left()
    assert [key[2:] for key in counted(left, finished(status=499)).exchanges] == [
        ("499", "sender"),
        ("4xx", "upstream"),
    ]


@cases(
    "attempts, connect_seconds, phases",
    {
        "an answered attempt": (1, 0.03, {"token": 0.0, "connect": 0.03, "first_byte": 0.1, "relay": 0.07}),
        "a connection that failed": (0, 0.03, {"token": 0.0, "connect": 0.03}),
        "a refusal": (0, 0.0, {}),
    },
)
def test_only_phases_that_were_reached_are_observed(
    attempts: int, connect_seconds: float, phases: dict[str, float]
) -> None:
    """Without zeros."""
    record = finished(attempts=attempts, status=504)
    record.connect_seconds = connect_seconds
    observed = counted(record).phases
    assert {phase: each.sum for phase, each in observed.items() if sum(each.counts)} == phases


def test_replays_are_counted_by_reason() -> None:
    """Each of them."""
    metrics = counted(finished(replays=("renew_token", "fetch_csrf")), finished(replays=("renew_token",)))
    assert metrics.replays == {"renew_token": 2, "fetch_csrf": 1}


def test_token_requests_are_counted_by_outcome_and_timed_by_oauth_client() -> None:
    """All outcomes in one histogram."""
    metrics = Metrics()
    metrics.count_grant("orders", "granted", 0.5)
    metrics.count_grant("orders", "grant_timeout", 10.0)
    assert metrics.grants == {("orders", "granted"): 1, ("orders", "grant_timeout"): 1}
    assert metrics.grant_seconds["orders"].sum == 10.5


def test_a_bucket_includes_its_bound() -> None:
    """The last has what is above all."""
    histogram = Histogram()
    for seconds in (BUCKETS[0], BUCKETS[0] + 0.001, 10_000.0):
        histogram.observe(seconds)
    cumulative = dict(histogram.cumulative())
    bounds = [*map(str, (BUCKETS[0], BUCKETS[1], BUCKETS[-1])), "+Inf"]
    assert [cumulative[each] for each in bounds] == [1, 2, 2, 3]
