"""Counters and histograms, and the text that Prometheus reads."""

from http import HTTPStatus

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.metrics import BUCKETS, Histogram, Metrics


def scraped(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples as a scrape finds them, by name and labels."""
    registry = CollectorRegistry()
    registry.register(metrics)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def finished(
    *, method: str = "POST", status: int = 200, attempts: int = 1, replays: tuple[str, ...] = ()
) -> ExchangeRecord:
    """The account of an exchange that took 0.2 s, 0.03 s of them for the connection and 0.1 s to the first byte."""
    record = ExchangeRecord("id-1", method)
    record.route, record.status, record.attempts, record.replays = "orders", status, attempts, replays
    record.total_seconds, record.connect_seconds, record.first_byte_seconds = 0.2, 0.03, 0.1
    record.relay_seconds = 0.07
    return record


def test_exchanges_are_counted_by_route_method_status_and_maker() -> None:
    """Two alike and one other are two samples."""
    metrics = Metrics()
    for status in (200, 200, 500):
        metrics.count(finished(status=status))
    labels = {"route": "orders", "method": "POST", "made_by": "upstream"}
    samples = scraped(metrics)
    ok, failed = (tuple(sorted((labels | {"status": status}).items())) for status in ("200", "500"))
    assert samples["cpi_proxy_exchanges_total", ok] == 2
    assert samples["cpi_proxy_exchanges_total", failed] == 1
    assert samples["cpi_proxy_exchange_seconds_count", (("route", "orders"),)] == 3


@pytest.mark.parametrize("method", ["PROPFIND", "", "x" * 5000])
def test_methods_that_nobody_registered_count_as_other(method: str) -> None:
    """A sender cannot make new time series."""
    metrics = Metrics()
    metrics.count(finished(method=method))
    assert [key[1] for key in metrics.exchanges] == ["other"]


def test_statuses_that_nobody_registered_count_by_class() -> None:
    """An upstream that answers every number makes no more series than there are registered ones, and classes."""
    metrics = Metrics()
    for status in range(100, 1000):
        metrics.count(finished(status=status))
    labels = {key[2]: count for key, count in metrics.exchanges.items()}
    registered = {str(each.value) for each in HTTPStatus}
    assert labels.keys() == registered | {f"{kind}xx" for kind in range(1, 10)}
    assert {labels[each] for each in registered} == {1}
    assert sum(labels.values()) == 900
    assert labels["9xx"] == 100


def test_a_sender_that_left_is_counted_by_a_status_of_its_own() -> None:
    """499 is ours; the same number from an upstream is not."""
    metrics = Metrics()
    record = finished(status=0)
    record.left()
    metrics.count(record)
    metrics.count(finished(status=499))
    assert [key[2:] for key in metrics.exchanges] == [("499", "sender"), ("4xx", "upstream")]


def test_a_connection_that_failed_is_observed_with_its_time() -> None:
    """It had no first octet and no answer."""
    metrics = Metrics()
    metrics.count(finished(attempts=0, status=504))
    counts = {phase: sum(histogram.counts) for phase, histogram in metrics.phases.items()}
    assert counts == {"token": 1, "connect": 1, "first_byte": 0, "relay": 0}


def test_phases_are_observed_for_what_reached_the_upstream() -> None:
    """An exchange that was refused has none."""
    metrics = Metrics()
    metrics.count(finished())
    refused = finished(attempts=0, status=404)
    refused.connect_seconds = 0.0
    metrics.count(refused)
    samples = scraped(metrics)
    for phase, seconds in (("token", 0.0), ("connect", 0.03), ("first_byte", 0.1), ("relay", 0.07)):
        assert samples["cpi_proxy_phase_seconds_count", (("phase", phase),)] == 1
        assert samples["cpi_proxy_phase_seconds_sum", (("phase", phase),)] == pytest.approx(seconds)


def test_replays_are_counted_by_reason() -> None:
    """Each second chance of each exchange."""
    metrics = Metrics()
    metrics.count(finished(replays=("renew_token", "fetch_csrf")))
    metrics.count(finished(replays=("renew_token",)))
    samples = scraped(metrics)
    assert samples["cpi_proxy_replays_total", (("reason", "renew_token"),)] == 2
    assert samples["cpi_proxy_replays_total", (("reason", "fetch_csrf"),)] == 1


def test_token_requests_are_counted_and_timed_by_oauth_client() -> None:
    """One sample an outcome, one histogram an OAuth client."""
    metrics = Metrics()
    metrics.count_grant("orders", "granted", 0.5)
    metrics.count_grant("orders", "grant_timeout", 10.0)
    samples = scraped(metrics)
    granted = (("oauth_client", "orders"), ("outcome", "granted"))
    assert samples["cpi_proxy_grants_total", granted] == 1
    assert samples["cpi_proxy_grant_seconds_count", (("oauth_client", "orders"),)] == 2
    assert samples["cpi_proxy_grant_seconds_sum", (("oauth_client", "orders"),)] == 10.5


def test_a_bucket_counts_what_is_no_longer_than_its_bound() -> None:
    """The bound itself belongs to the bucket, what is longer than all to the last."""
    histogram = Histogram()
    for seconds in (BUCKETS[0], BUCKETS[0] + 0.001, 10_000.0):
        histogram.observe(seconds)
    cumulative = dict(histogram.cumulative())
    assert cumulative[str(BUCKETS[0])] == 1
    assert cumulative[str(BUCKETS[1])] == 2
    assert cumulative[str(BUCKETS[-1])] == 2
    assert cumulative["+Inf"] == 3
