"""Counters and histograms as plain numbers; `admin/prometheus.py` renders them when they are scraped."""

from bisect import bisect_left
from http import HTTPStatus
from typing import Final

from proxy.observe.exchange_record import ExchangeRecord

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)
"Seconds; the longest answers of Cloud Integration take ten minutes."
_SHORTEST: Final = 0.005
STATUSES: Final = {status.value: str(status.value) for status in HTTPStatus}
"Labels of the registered statuses (RFC 9110 §16.2.1); an upstream may answer any number from 100 to 999."
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})


def status_label(record: ExchangeRecord) -> str:
    """Returns the label of an unregistered status: its class, or the status itself if it is ours (499)."""
    return f"{record.status // 100}xx" if record.made_by == "upstream" else str(record.status)


class Histogram:
    """Counts observations in seconds by bucket."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one observation; most are close to zero."""
        if seconds <= _SHORTEST:
            self.counts[0] += 1
        else:
            self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Returns (upper bound, observations up to it) for each bucket, as Prometheus expects them."""
        pairs, total = [], 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            total += count
            pairs.append((bound, float(total)))
        return pairs


class Metrics:
    """Counts exchanges, token requests, deliveries and reloads. It is an observer of exchanges."""

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
        self.deliveries: dict[tuple[str, str], int] = {}
        self.reloads = {"reloaded": 0, "rejected": 0}

    def finished(self, record: ExchangeRecord) -> None:
        """Counts a finished exchange."""
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
        """Counts a token request."""
        self.grants[oauth_client, outcome] = self.grants.get((oauth_client, outcome), 0) + 1
        self.grant_seconds.setdefault(oauth_client, Histogram()).observe(seconds)

    def count_delivery(self, route: str, outcome: str) -> None:
        """Counts a delivery from an outbox: `delivered`, `deferred` or `died`."""
        self.deliveries[route, outcome] = self.deliveries.get((route, outcome), 0) + 1

    def count_reload(self, outcome: str) -> None:
        """Counts a reload, `reloaded` or `rejected`."""
        self.reloads[outcome] += 1
