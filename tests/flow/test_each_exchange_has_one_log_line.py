"""`exchange.finished` tells of every exchange: whose, as whom, what came of it, how long each part took."""

import json
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import request
from tests.flow.running import Running, Serve, tenant_document

ALWAYS = {
    "timestamp", "level", "event", "request_id", "route", "oauth_client", "method", "path", "status", "made_by",
    "attempts", "token", "bytes_in", "bytes_out", "seconds", "token_seconds", "connect_seconds", "first_byte_seconds",
    "relay_seconds",
}  # fmt: skip


async def test_a_delivered_message(proxy: Running, tenant: Tenant) -> None:
    """With the ids by which the tenant's monitor knows it."""
    relayed = await (await proxy.sender()).ask(
        request(b"POST /http/invoices?q=1", b"X-Request-ID: mine", body=b"12345")
    )
    (line,) = await proxy.accounts()
    assert set(line) == ALWAYS | {"mpl_id", "correlation_id"}
    told = ("level", "request_id", "route", "oauth_client", "method", "path", "status")
    assert {key: line[key] for key in told} == {
        "level": "info",
        "request_id": "mine",
        "route": "http",
        "oauth_client": "neo",
        "method": "POST",
        "path": "/http/invoices",
        "status": 200,
    }
    assert (line["made_by"], line["attempts"], line["token"]) == ("upstream", 1, "granted")
    assert (line["bytes_in"], line["bytes_out"]) == (5, 5)
    assert line["mpl_id"] == tenant.messages[0].mpl_id
    assert line["correlation_id"] == relayed.field(b"x-correlationid")[0].decode()
    phases = [line[f"{phase}_seconds"] for phase in ("token", "connect", "first_byte", "relay")]
    assert all(phases)
    assert line["seconds"] >= sum(phases) - 1e-5


async def test_a_refused_message(proxy: Running) -> None:
    """With code and detail; what has no route has none in the log."""
    await (await proxy.sender()).ask(request(b"GET /nowhere"))
    (line,) = await proxy.accounts()
    assert set(line) == ALWAYS | {"code", "detail"}
    assert (line["level"], line["status"], line["made_by"], line["code"]) == ("warning", 404, "proxy", "route_unknown")
    assert (line["route"], line["oauth_client"], line["token"], line["attempts"]) == ("", "", "", 0)


async def test_there_is_one_for_each(proxy: Running, tenant: Tenant) -> None:
    """Over one connection or several, served or refused, replayed or not."""
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


async def test_every_line_is_json(proxy: Running) -> None:
    """Events and accounts alike, whatever a sender sends."""
    fields = (b'X-Request-ID: "\\{}', b"X-Other: \xff")
    await (await proxy.sender()).ask(request(b"POST /http/invoices", *fields, body=b"\x00\xff"))
    await proxy.accounts()
    assert [json.loads(line)["event"] for line in proxy.lines.text] == ["token.granted", "exchange.finished"]


@pytest.mark.parametrize(("level", "logged"), [("info", [200, 404, 502]), ("warning", [404, 502]), ("error", [502])])
async def test_the_level_decides_which_are_written(
    serve: Serve, tenant: Tenant, ca_file: Path, level: str, logged: list[int]
) -> None:
    """By what the sender was answered."""
    configuration = tenant_document(tenant, ca_file) | {"log": {"level": level}}
    proxy = await serve(configuration)
    sender = await proxy.sender()
    await sender.ask(request(b"POST /http/invoices", body=b"x"))
    await sender.ask(request(b"POST /nowhere", body=b"x"))
    tenant.faults.switch_on("runtime.drop")
    await sender.ask(request(b"POST /http/invoices", body=b"x"))
    lines = await proxy.accounts(len(logged))
    assert [line["status"] for line in lines] == logged
