"""Metrics and events of a running proxy."""

import ast
import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from proxy.admin.prometheus import Families
from proxy.app import App
from proxy.config.load import load
from proxy.oauth import refused_token_streak as contest
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog
from proxy.store.state import StoreState
from tests.docs.pages import ROOT
from tests.docs.tables import NOTHING, code, made

LEVELS = ("debug", "info", "warning", "error")


def metric_table() -> str:
    """Name, type, labels, meaning."""
    rows = [(code(name), kind, ", ".join(map(code, labels)) or NOTHING, told) for name, kind, labels, told in metrics()]
    return made(("metric", "type", "labels", "meaning"), rows)


def metrics() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Nothing is served yet."""
    loop = asyncio.new_event_loop()
    try:
        configuration = load(ROOT / "config" / "minimal.yaml", {"CPI_CLIENT_SECRET": "s"})
        log = ProcessLog(LineWriter(2), level="error", human=True)
        app = App(configuration, log=log, environ={}, loop=loop)
        state = replace(app.state(), store=StoreState(up=True, listening=True, detail=None))
        shown: Any = SimpleNamespace(metrics=app.metrics, state=lambda: state)
        for family in Families(shown, ()).collect():
            suffix = "_total" if family.type == "counter" else ""
            labels: Any = family._labelnames  # type: ignore[attr-defined]
            yield family.name + suffix, family.type, tuple(labels), family.documentation
    finally:
        loop.close()


class Event(NamedTuple):
    """As the source has it."""

    name: str
    level: str
    fields: frozenset[str]


def events() -> set[Event]:
    """Through structlog."""
    return {event for path in (ROOT / "proxy").rglob("*.py") for event in events_in(path)}


def events_in(path: Path) -> Iterator[Event]:
    """Of a module; `finding.event` is each Finding."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        fields = frozenset(keyword.arg or "" for keyword in node.keywords)
        for name in event_names(node.args[0] if node.args else None):
            yield Event(name, node.func.attr, fields)


def event_names(first: ast.expr | None) -> Iterator[str]:
    """By the first argument."""
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value
    elif isinstance(first, ast.IfExp):
        yield from event_names(first.body)
        yield from event_names(first.orelse)
    elif isinstance(first, ast.Attribute) and first.attr == "event":
        yield from finding_events()


def finding_events() -> list[str]:
    """The events of `proxy.oauth.refused_token_streak`."""
    return [each.event for each in vars(contest).values() if isinstance(each, contest.StreakFinding)]


def full_account() -> ExchangeRecord:
    """All that a line can have."""
    account = ExchangeRecord("id", "POST", b"/orders")
    account.routed("orders", "orders")
    account.authenticated("erp")
    account.sender, account.upstream = "192.0.2.7", "https://cpi.example/http/orders"
    account.mpl_id = account.correlation_id = account.message_id = account.client_certificate = account.diagnosis = (
        account.code
    ) = "x"
    account.replays, account.upstream_status, account.status = ("renew_token",), 401, 502
    return account
