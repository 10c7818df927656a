"""`exchange.finished` tells whose exchange it was, how it ended, and how long each part took."""

from typing import Any

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import request
from tests.flow.running import Running

ALWAYS = {
    "timestamp", "level", "event", "request_id", "sender", "route", "oauth_client", "method", "path", "status",
    "made_by", "attempts", "token", "bytes_in", "bytes_out", "seconds", "token_seconds", "connect_seconds",
    "first_byte_seconds", "relay_seconds",
}  # fmt: skip


def without_times(line: dict[str, Any]) -> dict[str, Any]:
    """The line without what differs each time."""
    return {name: value for name, value in line.items() if not name.endswith("seconds") and name != "timestamp"}


async def test_a_delivered_message_has_the_ids_of_the_tenants_monitor(proxy: Running, tenant: Tenant) -> None:
    """Its phases add up."""
    relayed = await proxy.ask(request(b"POST /http/invoices?q=1", b"X-Request-ID: mine", body=b"12345"))
    (line,) = await proxy.accounts()
    assert set(line) == ALWAYS | {"upstream", "mpl_id", "correlation_id"}
    assert without_times(line) == {
        "level": "info",
        "event": "exchange.finished",
        "request_id": "mine",
        "sender": "127.0.0.1",
        "upstream": f"{tenant.runtime_url}/http/invoices",
        "route": "http",
        "oauth_client": "neo",
        "method": "POST",
        "path": "/http/invoices",
        "status": 200,
        "made_by": "upstream",
        "attempts": 1,
        "token": "granted",
        "bytes_in": 5,
        "bytes_out": 5,
        "mpl_id": tenant.messages[0].mpl_id,
        "correlation_id": relayed.field(b"x-correlationid")[0].decode(),
    }
    phases = [line[f"{phase}_seconds"] for phase in ("token", "connect", "first_byte", "relay")]
    assert all(phases)
    assert line["seconds"] >= sum(phases) - 1e-5


async def test_a_refusal_has_code_and_detail(proxy: Running) -> None:
    """It has no OAuth client."""
    await proxy.ask(request(b"GET /nowhere"))
    (line,) = await proxy.accounts()
    assert set(line) == ALWAYS | {"code", "detail"}
    for name in ("request_id", "detail"):
        assert line.pop(name)
    assert without_times(line) == {
        "level": "warning",
        "event": "exchange.finished",
        "sender": "127.0.0.1",
        "route": "",
        "oauth_client": "",
        "method": "GET",
        "path": "/nowhere",
        "status": 404,
        "made_by": "proxy",
        "attempts": 0,
        "token": "",
        "bytes_in": 0,
        "bytes_out": 0,
        "code": "route_unknown",
    }


async def test_every_exchange_and_every_refusal_has_one_line(proxy: Running, tenant: Tenant) -> None:
    """A replay does not add a line."""
    sender = await proxy.sender()
    for octets in (
        request(b"POST /http/orders", body=b"{}"),
        request(b"GET /http/orders"),
        request(b"GET /nowhere"),
        b"no http at all\r\n\r\n",
    ):
        await sender.ask(octets)
    lines = await proxy.accounts(4)
    assert [(line["method"], line["status"]) for line in lines] == [
        ("POST", 500),
        ("GET", 200),
        ("GET", 404),
        ("", 400),
    ]
    assert lines[0]["replays"] == "fetch_csrf"
    assert len({line["request_id"] for line in lines}) == 4
    assert tenant.messages.total == 4
