"""deploy/prometheus: alerts about existing series."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cases import cases
from tests.deploy.exposed import LABELS
from tests.deploy.product import DEPLOY, ROOT, documents
from tests.deploy.promql import kept, series, unknown
from tests.docs.pages import anchor

RULES = DEPLOY / "prometheus/alerts.yaml"
(DOCUMENT,) = documents(RULES)
ALERTS: dict[str, Any] = {rule["alert"]: rule for group in DOCUMENT["groups"] for rule in group["rules"]}
WATCHED = {
    "up",
    "cpi_proxy_grants_total",
    "cpi_proxy_token_expiry_timestamp_seconds",
    "cpi_proxy_credential_expiry_timestamp_seconds",
    "cpi_proxy_exchanges_total",
    "cpi_proxy_exchange_seconds_bucket",
    "cpi_proxy_sender_connections",
    "cpi_proxy_sender_connections_max",
    "cpi_proxy_waiting",
    "cpi_proxy_reloads_total",
    "cpi_proxy_store_up",
    "cpi_proxy_outbox_messages",
    "cpi_proxy_outbox_messages_max",
    "cpi_proxy_outbox_bytes",
    "cpi_proxy_outbox_bytes_max",
    "cpi_proxy_outbox_oldest_timestamp_seconds",
    "cpi_proxy_outbox_held",
}
"What somebody has to be told of."


@cases("alert", *ALERTS)
def test_an_alert_asks_for_what_there_is_and_says_what_to_do(alert: str) -> None:
    """By labels that its query leaves."""
    rule = ALERTS[alert]
    assert unknown(rule["expr"]) == set()
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= kept(rule["expr"])


def test_each_alert_leads_to_its_section_of_the_runbooks() -> None:
    """In order, with the same questions."""
    page = ROOT / "docs/runbooks.md"
    sections = re.findall(r"(?ms)^## (\w+)\n(.*?)(?=^## |\Z)", page.read_text())
    assert [name for name, _ in sections] == list(ALERTS)
    for name, text in sections:
        path, _, place = ALERTS[name]["annotations"]["runbook_url"].partition("#")
        assert path.endswith("/docs/runbooks.md")
        assert place == anchor(name)
        assert re.findall(r"(?m)^\*\*([\w ]+)\.\*\*", text) == ["Means", "Look at", "Do"]
        assert f"*{ALERTS[name]['labels']['severity']}*" in text


def test_whatever_can_go_wrong_is_watched() -> None:
    """By a query."""
    assert set().union(*(series(rule["expr"]) for rule in ALERTS.values())) == WATCHED
    assert WATCHED - {"up"} <= LABELS.keys()


def test_a_query_with_an_unknown_name_is_noticed() -> None:
    """Series, label or grouping."""
    assert unknown("cpi_proxy_exchange_total > 0") == {"cpi_proxy_exchange_total"}
    assert unknown('sum by (rout) (rate(cpi_proxy_exchanges_total{kind="x", route="y"}[5m]))') == {"rout", "kind"}


@pytest.mark.needs("promtool")
def test_prometheus_takes_the_rules() -> None:
    """By its own tool."""
    subprocess.run(["promtool", "check", "rules", RULES], check=True, capture_output=True)


@pytest.mark.needs("promtool")
def test_alerts_fire_when_they_should() -> None:
    """And not before."""
    scenarios = Path(__file__).with_name("alerts_test.yaml")
    tested = subprocess.run(["promtool", "test", "rules", scenarios], check=False, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr
