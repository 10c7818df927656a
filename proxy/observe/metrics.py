"""Counters and histograms as plain numbers; they become Prometheus' text only when somebody asks for it."""

from bisect import bisect_left
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from proxy.observe.exchange_record import ExchangeRecord

if TYPE_CHECKING:
    from prometheus_client.core import Metric

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)
"Seconds; the longest answers of Cloud Integration take ten minutes."
_SHORTEST: Final = 0.005
STATUSES: Final = {status.value: str(status.value) for status in HTTPStatus}
"Those that are registered (RFC 9110 §16.2.1), as labels; an upstream may answer any number from 100 to 999."
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})


def status_label(record: ExchangeRecord) -> str:
    """How a status that is not registered is counted: by its class, unless it is ours (499, the sender left)."""
    return f"{record.status // 100}xx" if record.made_by == "upstream" else str(record.status)


class Histogram:
    """Observations in seconds, counted by bucket."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """One more; most take no time at all, or nearly none."""
        if seconds <= _SHORTEST:
            self.counts[0] += 1
        else:
            self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper bound, how many up to it), as Prometheus wants it."""
        pairs, total = [], 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            total += count
            pairs.append((bound, float(total)))
        return pairs


class Metrics:
    """Everything that is counted by exchange."""

    def __init__(self) -> None:
        self.exchanges: dict[tuple[str, str, str, str], int] = {}
        self.seconds: dict[str, Histogram] = {}
        self._token, self._connect, self._first_byte, self._relay = (Histogram() for _ in range(4))
        self.phases = {
            "token": self._token,
            "connect": self._connect,
            "first_byte": self._first_byte,
            "relay": self._relay,
        }
        self.replays: dict[str, int] = {}
        self.grants: dict[tuple[str, str], int] = {}
        self.grant_seconds: dict[str, Histogram] = {}
        self.reloads = {"reloaded": 0, "rejected": 0}

    def count(self, record: ExchangeRecord) -> None:
        """One finished exchange."""
        method = record.method if record.method in METHODS else "other"
        status = STATUSES.get(record.status) or status_label(record)
        key = (record.route, method, status, record.made_by)
        exchanges = self.exchanges
        exchanges[key] = exchanges.get(key, 0) + 1
        histogram = self.seconds.get(record.route)
        if histogram is None:
            histogram = self.seconds[record.route] = Histogram()
        histogram.observe(record.total_seconds)
        if record.attempts or record.connect_seconds:
            self._token.observe(record.token_seconds)
            self._connect.observe(record.connect_seconds)
        if record.attempts:
            self._first_byte.observe(record.first_byte_seconds)
            self._relay.observe(record.relay_seconds)
        for reason in record.replays:
            self.replays[reason] = self.replays.get(reason, 0) + 1

    def count_grant(self, oauth_client: str, outcome: str, seconds: float) -> None:
        """One token request."""
        self.grants[oauth_client, outcome] = self.grants.get((oauth_client, outcome), 0) + 1
        self.grant_seconds.setdefault(oauth_client, Histogram()).observe(seconds)

    def count_reload(self, outcome: str) -> None:
        """One configuration that was to take over."""
        self.reloads[outcome] += 1

    def collect(self) -> Iterator["Metric"]:
        """As families of prometheus-client."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily  # noqa: PLC0415 - on scrape only

        labels = ["route", "method", "status", "made_by"]
        exchanges = CounterMetricFamily("cpi_proxy_exchanges", "Finished exchanges.", labels=labels)
        for (route, method, status, made_by), count in self.exchanges.items():
            exchanges.add_metric([route, method, status, made_by], count)
        yield exchanges
        seconds = HistogramMetricFamily("cpi_proxy_exchange_seconds", "Duration of exchanges.", labels=["route"])
        for route, histogram in self.seconds.items():
            seconds.add_metric([route], histogram.cumulative(), histogram.sum)
        yield seconds
        phase_seconds = HistogramMetricFamily("cpi_proxy_phase_seconds", "Duration of phases.", labels=["phase"])
        for phase, histogram in self.phases.items():
            phase_seconds.add_metric([phase], histogram.cumulative(), histogram.sum)
        yield phase_seconds
        replays = CounterMetricFamily("cpi_proxy_replays", "Second attempts.", labels=["reason"])
        for reason, count in self.replays.items():
            replays.add_metric([reason], count)
        yield replays
        grants = CounterMetricFamily("cpi_proxy_grants", "Token requests.", labels=["oauth_client", "outcome"])
        for (oauth_client, outcome), count in self.grants.items():
            grants.add_metric([oauth_client, outcome], count)
        yield grants
        grant_seconds = HistogramMetricFamily(
            "cpi_proxy_grant_seconds", "Duration of token requests.", labels=["oauth_client"]
        )
        for oauth_client, histogram in self.grant_seconds.items():
            grant_seconds.add_metric([oauth_client], histogram.cumulative(), histogram.sum)
        yield grant_seconds
        reloads = CounterMetricFamily("cpi_proxy_reloads", "Configurations that were to take over.", labels=["outcome"])
        for outcome, count in self.reloads.items():
            reloads.add_metric([outcome], count)
        yield reloads
