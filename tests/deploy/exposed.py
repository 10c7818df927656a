"""The product's metrics when everything has happened once."""

from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from proxy.admin.prometheus import exposition
from proxy.config.outbox import OutboxSettings
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.metrics import Metrics
from proxy.outbox.message import RouteSummary

PROMETHEUS = frozenset({"instance", "job"})
"Labels that Prometheus adds."


def _shown() -> str:
    metrics = Metrics()
    account = ExchangeRecord("id", "POST")
    account.routed("orders", "orders")
    account.attempts = 1
    account.replayed("fetch_csrf")
    account.relayed(200)
    account.end()
    metrics.finished(account)
    metrics.count_grant("orders", "granted", 0.1)
    metrics.count_delivery("orders", "delivered")
    outbox = RouteSummary(route="orders", waiting=1, delivering=0, dead=0, held=False, oldest_at=1.0, bytes=1)
    state = SimpleNamespace(
        in_flight=0,
        connections=0,
        max_connections=10,
        waiting={"orders": 0},
        sources={"orders": SimpleNamespace(expires=1.0)},
        certificate_ends={"orders": 1.0},
        pools=(),
        routes=[SimpleNamespace(name="orders", outbox=OutboxSettings())],
        store=SimpleNamespace(up=True),
    )
    proxy: Any = SimpleNamespace(metrics=metrics, state=lambda: state)
    return exposition(proxy, [outbox]).decode()


_FAMILIES = list(text_string_to_metric_families(_shown()))
LABELS = {sample.name: frozenset(sample.labels) for family in _FAMILIES for sample in family.samples}
"Names of series, as queries have them, with their labels."
FAMILIES = {family.name for family in _FAMILIES}
