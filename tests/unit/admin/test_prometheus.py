"""What Prometheus reads."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from proxy.admin.prometheus import exposition
from proxy.config.outbox import OutboxSettings
from proxy.observe.metrics import BUCKETS, Metrics
from proxy.outbox.message import RouteSummary
from tests.unit.admin.states import blocked, state

OUTBOX = RouteSummary(route="orders", waiting=1, delivering=2, dead=3, held=True, oldest_at=4.0, bytes=5)
LABELS = ["route", "method", "status", "made_by", "phase", "reason", "oauth_client", "outcome", "credential", "state"]


def scraped(
    *, metrics: Metrics | None = None, outboxes: Sequence[RouteSummary] | None = (), **changes: Any
) -> dict[str, float]:
    """By name and labels; of buckets the first and the last."""
    proxy: Any = SimpleNamespace(metrics=metrics or Metrics(), state=lambda: state(**changes))
    found = {}
    for family in text_string_to_metric_families(exposition(proxy, outboxes).decode()):
        for each in family.samples:
            if each.labels.get("le") in (None, "+Inf", str(BUCKETS[0])):
                values = [each.labels[label] for label in (*LABELS, "le") if label in each.labels]
                found[" ".join([each.name.removeprefix("cpi_proxy_"), *values])] = each.value
    return found


def test_counters_and_histograms_have_their_labels() -> None:
    """A histogram is cumulative."""
    metrics = Metrics()
    metrics.exchanges["orders", "POST", "200", "upstream"] = 2
    metrics.replays["renew_token"] = 3
    metrics.count_grant("orders", "granted", 0.001)
    metrics.count_grant("orders", "grant_timeout", 10.0)
    metrics.count_reload("rejected")
    metrics.count_delivery("orders", "died")
    samples = scraped(metrics=metrics)
    expected = {
        "exchanges_total orders POST 200 upstream": 2.0,
        "replays_total renew_token": 3.0,
        "grants_total orders granted": 1.0,
        "grants_total orders grant_timeout": 1.0,
        f"grant_seconds_bucket orders {BUCKETS[0]}": 1.0,
        "grant_seconds_bucket orders +Inf": 2.0,
        "grant_seconds_count orders": 2.0,
        "grant_seconds_sum orders": 10.001,
        "phase_seconds_count relay": 0.0,
        "outbox_deliveries_total orders died": 1.0,
        "reloads_total reloaded": 0.0,
        "reloads_total rejected": 1.0,
    }
    assert {name: samples[name] for name in expected} == expected


def test_gauges_show_the_state() -> None:
    """Without a token there is no expiry."""
    pool = SimpleNamespace(idle=2, leased=1)
    samples = scraped(
        in_flight=1,
        connections=2,
        waiting={"orders": 3},
        sources={"neo": blocked(expires=4.0), "btp": blocked()},
        certificate_ends={"listener": 5.0},
        pools=[pool, pool],
    )
    assert {name: value for name, value in samples.items() if not name.startswith(("phase_", "reloads_"))} == {
        "in_flight": 1.0,
        "sender_connections": 2.0,
        "sender_connections_max": 10.0,
        "waiting orders": 3.0,
        "token_expiry_timestamp_seconds neo": 4.0,
        "credential_expiry_timestamp_seconds listener": 5.0,
        "upstream_connections idle": 4.0,
        "upstream_connections leased": 2.0,
    }


def test_outboxes_have_their_numbers() -> None:
    """Without messages there is no oldest."""
    empty = RouteSummary(route="returns", waiting=0, delivering=0, dead=0, held=False, oldest_at=None, bytes=0)
    metrics = Metrics()
    metrics.count_delivery("orders", "delivered")
    samples = scraped(metrics=metrics, outboxes=[OUTBOX, empty])
    assert {name: value for name, value in samples.items() if name.startswith("outbox_")} == {
        "outbox_messages orders waiting": 1.0,
        "outbox_messages orders delivering": 2.0,
        "outbox_messages orders dead": 3.0,
        "outbox_messages returns waiting": 0.0,
        "outbox_messages returns delivering": 0.0,
        "outbox_messages returns dead": 0.0,
        "outbox_bytes orders": 5.0,
        "outbox_bytes returns": 0.0,
        "outbox_oldest_timestamp_seconds orders": 4.0,
        "outbox_held orders": 1.0,
        "outbox_held returns": 0.0,
        "outbox_deliveries_total orders delivered": 1.0,
    }


def test_a_store_that_does_not_answer_has_limits_only() -> None:
    """Zeros would end the alerts."""
    route = SimpleNamespace(name="orders", outbox=OutboxSettings(max_messages=7, max_bytes=8))
    plain = SimpleNamespace(name="plain", outbox=None)
    samples = scraped(outboxes=None, routes=[route, plain])
    assert {name: value for name, value in samples.items() if name.startswith("outbox_")} == {
        "outbox_messages_max orders": 7.0,
        "outbox_bytes_max orders": 8.0,
    }
