"""The metric families that Prometheus scrapes, made of the counters and the state of a proxy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from proxy.admin.state import ObservedProxy, ProxyState
from proxy.config.model import RouteSettings
from proxy.observe.metrics import Histogram, Metrics
from proxy.outbox.message import MessageState, RouteSummary

Values = TypeVar("Values", bound=tuple[str, ...])


def exposition(proxy: ObservedProxy, outboxes: Sequence[RouteSummary] | None = ()) -> bytes:
    """Returns the text of `/metrics`; `outboxes` is None if the store does not tell its numbers."""
    registry = CollectorRegistry()
    registry.register(Families(proxy, outboxes))
    return generate_latest(registry)


class Families:
    """A collector of all families, as prometheus-client expects it."""

    def __init__(self, proxy: ObservedProxy, outboxes: Sequence[RouteSummary] | None) -> None:
        self._proxy, self._outboxes = proxy, outboxes

    def collect(self) -> Iterator[Metric]:
        """Yields all families at this moment."""
        yield from counted(self._proxy.metrics)
        state = self._proxy.state()
        yield from observed(state)
        if self._outboxes is not None:  # zeros would end the alerts
            yield from kept(self._outboxes)
        yield from bounds(state.routes)


def counted(metrics: Metrics) -> Iterator[Metric]:
    """Yields what is counted over the life of the process."""
    yield counter(
        "cpi_proxy_exchanges", "Finished exchanges.", ["route", "method", "status", "made_by"], metrics.exchanges
    )
    yield histograms("cpi_proxy_exchange_seconds", "Duration of exchanges.", "route", metrics.seconds)
    yield histograms("cpi_proxy_phase_seconds", "Duration of phases.", "phase", metrics.phases)
    yield counter("cpi_proxy_replays", "Second attempts.", ["reason"], by_one(metrics.replays))
    yield counter("cpi_proxy_grants", "Token requests.", ["oauth_client", "outcome"], metrics.grants)
    yield histograms("cpi_proxy_grant_seconds", "Duration of token requests.", "oauth_client", metrics.grant_seconds)
    yield counter("cpi_proxy_outbox_deliveries", "Deliveries from outboxes.", ["route", "outcome"], metrics.deliveries)
    yield counter("cpi_proxy_reloads", "Configuration reloads.", ["outcome"], by_one(metrics.reloads))


def observed(state: ProxyState) -> Iterator[Metric]:
    """Yields what holds at this moment."""
    yield GaugeMetricFamily("cpi_proxy_in_flight", "Exchanges in flight.", value=state.in_flight)
    yield GaugeMetricFamily("cpi_proxy_sender_connections", "Connections of senders.", value=state.connections)
    yield GaugeMetricFamily(
        "cpi_proxy_sender_connections_max", "Maximum number of sender connections.", value=state.max_connections
    )
    yield gauge("cpi_proxy_waiting", "Exchanges waiting for `max_concurrency`.", "route", state.waiting)
    expires = {name: source.expires for name, source in state.sources.items() if source.expires is not None}
    yield gauge("cpi_proxy_token_expiry_timestamp_seconds", "When the token expires.", "oauth_client", expires)
    yield gauge(
        "cpi_proxy_credential_expiry_timestamp_seconds",
        "When a certificate of the proxy expires.",
        "credential",
        state.certificate_ends,
    )
    if state.store is not None:
        yield GaugeMetricFamily(
            "cpi_proxy_store_up", "Whether replicas share their tokens through the store.", value=state.store.up
        )
    idle, leased = sum(pool.idle for pool in state.pools), sum(pool.leased for pool in state.pools)
    connections = {"idle": idle, "leased": leased}
    yield gauge("cpi_proxy_upstream_connections", "Connections to upstreams.", "state", connections)


def kept(outboxes: Sequence[RouteSummary]) -> Iterator[Metric]:
    """Yields what the outboxes keep at this moment."""
    messages = GaugeMetricFamily("cpi_proxy_outbox_messages", "Messages in outboxes.", labels=["route", "state"])
    for each in outboxes:
        for state in MessageState:
            messages.add_metric([each.route, state.value], getattr(each, state.value))
    yield messages
    sizes = {each.route: float(each.bytes) for each in outboxes}
    yield gauge("cpi_proxy_outbox_bytes", "Bytes of messages in outboxes.", "route", sizes)
    oldest = {each.route: each.oldest_at for each in outboxes if each.oldest_at is not None}
    yield gauge(
        "cpi_proxy_outbox_oldest_timestamp_seconds",
        "When the oldest message that is not dead was accepted.",
        "route",
        oldest,
    )
    held = {each.route: float(each.held) for each in outboxes}
    yield gauge("cpi_proxy_outbox_held", "Whether the delivery of the route is held.", "route", held)


def bounds(routes: Sequence[RouteSettings]) -> Iterator[Metric]:
    """Yields the limits of the outboxes."""
    limits = {route.name: route.outbox for route in routes if route.outbox is not None}
    most = {name: float(outbox.max_messages) for name, outbox in limits.items()}
    yield gauge("cpi_proxy_outbox_messages_max", "Maximum number of messages of an outbox.", "route", most)
    most = {name: float(outbox.max_bytes) for name, outbox in limits.items()}
    yield gauge("cpi_proxy_outbox_bytes_max", "Maximum number of bytes of an outbox.", "route", most)


def counter(name: str, meaning: str, labels: list[str], counts: Mapping[Values, int]) -> Metric:
    """Returns a counter with one sample for each combination of label values."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def gauge(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    """Returns a gauge with one sample for each label value."""
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for labelled, value in values.items():
        family.add_metric([labelled], value)
    return family


def histograms(name: str, meaning: str, label: str, counts: Mapping[str, Histogram]) -> Metric:
    """Returns a histogram for each label value."""
    family = HistogramMetricFamily(name, meaning, labels=[label])
    for labelled, histogram in counts.items():
        family.add_metric([labelled], histogram.cumulative(), histogram.sum)
    return family


def by_one(counts: Mapping[str, int]) -> Mapping[tuple[str, ...], int]:
    """Returns counts by one label value as counts by a tuple of them."""
    return {(value,): count for value, count in counts.items()}
