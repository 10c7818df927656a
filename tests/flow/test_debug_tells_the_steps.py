"""At level debug the log tells each step of an exchange, and shows no credential."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from aiohttp import ClientSession

from proxy.config.load import load
from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.passwords import basic, bcrypt_hash
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer, hang_up
from tests.flow.running import POST, Orders, Running, Serve, document, tenant_document

STEPS = {
    "route.chosen", "token.chosen", "connection.opened", "connection.reused", "request.forwarded", "attempt.finished",
    "csrf.fetched",
}  # fmt: skip


@pytest.fixture
async def proxy(orders: Orders) -> Running:
    """A proxy at level debug."""
    return await orders()


def steps(proxy: Running) -> Iterator[dict[str, Any]]:
    """The lines of steps, without time, level and id."""
    for line in map(json.loads, proxy.lines.text):
        if line["event"] in STEPS:
            assert line.pop("level") == "debug"
            assert line.pop("request_id")
            assert line.pop("timestamp")
            yield line


def named(proxy: Running, event: str) -> list[dict[str, Any]]:
    """The lines of one kind of step, without its name."""
    return [
        {name: value for name, value in line.items() if name != "event"}
        for line in steps(proxy)
        if line["event"] == event
    ]


async def test_the_steps_of_a_message(proxy: Running, upstream: Upstream) -> None:
    """In order: route, token, connection, forwarded head, attempt."""
    await proxy.ask(request(b"POST /orders/new?key=cAnAryQuery", b"X-Request-ID: mine", b"SAP_Sender: ERP", body=b"x"))
    origin = upstream.url.removeprefix("http://")
    assert list(steps(proxy)) == [
        {
            "event": "route.chosen",
            "route": "orders",
            "upstream": f"{upstream.url}/http/orders",
            "oauth_client": "orders",
        },
        {"event": "token.chosen", "oauth_client": "orders", "token": "granted"},
        {"event": "connection.opened", "upstream": origin, "address": origin, "tls": ""},
        {
            "event": "request.forwarded",
            "method": "POST",
            "target": "/http/orders/new",
            "fields": [
                f"Host: {origin}",
                "X-Request-ID: mine",
                "SAP_Sender: ERP",
                "Via: 1.1 here",
                "Authorization: ***",
                "Content-Length: 1",
            ],
        },
        {"event": "attempt.finished", "attempt": 1, "status": 200, "reason": "", "verdict": "relay"},
    ]
    assert {line["request_id"] for line in map(json.loads, proxy.lines.text) if line["event"] in STEPS} == {"mine"}


async def test_a_connection_is_new_or_used_again(proxy: Running) -> None:
    """The second message needs neither a connection nor a token of its own."""
    sender = await proxy.sender()
    for _ in range(2):
        await sender.ask(POST)
    assert (len(named(proxy, "connection.opened")), len(named(proxy, "connection.reused"))) == (1, 1)
    assert [line["token"] for line in named(proxy, "token.chosen")] == ["granted", "cached"]


async def test_the_version_of_tls_is_told(serve: Serve, authority: AuthorizationServer, tmp_path: Path) -> None:
    """With the address of the upstream."""
    issuer, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert("127.0.0.1").configure_cert(tls)
    issuer.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with Upstream(tls=tls) as upstream:
        proxy = await serve(document(upstream, authority, tls={"ca_file": str(tmp_path / "ca.pem")}))
        await proxy.ask(POST)
        (opened,) = named(proxy, "connection.opened")
    assert (opened["address"], opened["tls"]) == (upstream.url.removeprefix("https://"), "TLSv1.3")


async def test_each_attempt_has_its_verdict(proxy: Running, upstream: Upstream) -> None:
    """A refused token, then a lost connection: each with what follows."""
    sender = await proxy.sender()
    await sender.ask(request(b"GET /orders"))
    proxy.clock.advance(60)
    upstream.script.extendleft([hang_up, answer(401)])
    await sender.ask(request(b"GET /orders"))
    tries = named(proxy, "attempt.finished")[1:]
    assert [(each["attempt"], each["status"], each["verdict"]) for each in tries] == [
        (1, 401, "renew_token"),
        (2, 0, "reconnect"),
        (3, 200, "relay"),
    ]
    assert tries[1]["reason"].startswith("upstream_closed: ")
    assert [line["token"] for line in named(proxy, "token.chosen")] == ["granted", "cached", "renewed", "renewed"]


async def test_a_connection_that_failed_has_its_reason(serve: Serve, authority: AuthorizationServer) -> None:
    """It was tried twice."""
    proxy = await serve(document("https://tenant.invalid", authority))
    await proxy.ask(POST)
    tries = named(proxy, "attempt.finished")
    assert [each["verdict"] for each in tries] == ["reconnect", "fail"]
    assert all(each["reason"].startswith("upstream_unreachable: ") for each in tries)
    assert not named(proxy, "request.forwarded")


async def test_a_csrf_fetch_is_told(serve: Serve, tenant: Tenant, ca_file: Path) -> None:
    """Neither the token nor the session's cookies are."""
    proxy = await serve(tenant_document(tenant, ca_file))
    await proxy.ask(request(b"POST /http/orders", body=b"{}"))
    assert [(each["method"], each["found"]) for each in named(proxy, "csrf.fetched")] == [("HEAD", True)]
    heads = [each["fields"] for each in named(proxy, "request.forwarded")]
    assert "X-CSRF-Token: Fetch" in heads[1]
    assert {"X-CSRF-Token: ***", "Cookie: ***", "Authorization: ***"} <= set(heads[2])


async def test_a_csrf_fetch_without_an_answer_is_told(proxy: Running, upstream: Upstream) -> None:
    """The sender gets the refusal."""
    upstream.script.extendleft([hang_up, hang_up, answer(403, b"X-CSRF-Token: Required")])
    await proxy.ask(POST)
    assert named(proxy, "csrf.fetched") == [{"method": "HEAD", "status": 0, "found": False}]


async def test_no_credential_is_shown(
    upstream: Upstream, authority: AuthorizationServer, orders: Orders, tmp_path: Path
) -> None:
    """Not the token, a cookie, a sender's credential, nor what `set_fields` sets from a variable."""
    (tmp_path / "users").write_text(f"erp:{bcrypt_hash('cAnAryPassword')}\n")
    (tmp_path / "keys").write_text("cAnAryKey123\n")
    whole = document(upstream, authority, inbound_auth={"basic": {"users_file": "users"}}, cookies="prefixed")
    whole["routes"][0]["set_fields"] = {
        "X-Tenant": "${TENANT}",
        "X-Part": "a ${TENANT:-b}",
        "X-Plain": "shown",
        "X-Escaped": "$${shown}",
    }
    by_key = {"path": "/keys", "inbound_auth": {"api_key": {"field": "X-Who", "keys_file": "keys"}}}
    whole["routes"].append(whole["routes"][0] | by_key)
    proxy = await orders()
    file = tmp_path / "proxy.yaml"
    file.write_text(yaml.safe_dump(whole))
    await proxy.apply(await asyncio.to_thread(load, file, {"TENANT": "cAnAryTenant"}))
    cookie = b"Cookie: cpi.orders~S=cAnAryCookie; MYSAPSSO2=cAnAryTicket"
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", b"Authorization: " + basic("erp", "cAnAryPassword"), cookie, body=b"x"))
    await sender.ask(request(b"POST /keys", b"X-Who: cAnAryKey123", body=b"x"))
    await proxy.accounts(2)
    assert [each.field(b"X-Tenant") for each in upstream.requests] == [[b"cAnAryTenant"]] * 2
    first, second = (each["fields"] for each in named(proxy, "request.forwarded"))
    assert {"X-Tenant: ***", "X-Part: ***", "X-Plain: shown", "X-Escaped: ${shown}", "Cookie: ***"} <= set(first)
    assert not any(line.lower().startswith("x-who") for line in second)
    assert "cAnAry" not in "".join(proxy.lines.text)
    assert "token-1" not in "".join(proxy.lines.text)


@pytest.mark.parametrize("level", ["info", "warning", "error"])
async def test_other_levels_have_no_steps(proxy: Running, level: str) -> None:
    """The level changes for the next exchange."""
    sender = await proxy.sender()
    proxy.app.log.set_level(level)
    await sender.ask(POST)
    assert list(steps(proxy)) == []
    async with ClientSession() as session, session.put(f"{proxy.admin_url}/log-level", data="debug") as changed:
        assert changed.ok
    await sender.ask(POST)
    assert next(line["event"] for line in steps(proxy)) == "route.chosen"
