"""At level debug the log tells each step of an exchange, and shows no credential."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from aiohttp import ClientSession

from proxy.config.load import load
from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.passwords import basic, bcrypt_hash
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer, hang_up
from tests.flow.running import POST, Orders, Running, Serve, document, tenant_document

STEPS = {
    "route.chosen", "token.chosen", "connection.opened", "connection.reused", "request.forwarded", "attempt.finished",
    "csrf.fetched",
}  # fmt: skip


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


async def test_the_steps_of_a_message(plain: Running, upstream: Upstream) -> None:
    """In order."""
    await plain.ask(request(b"POST /orders/new?key=cAnAryQuery", b"X-Request-ID: mine", b"SAP_Sender: ERP", body=b"x"))
    origin = upstream.url.removeprefix("http://")
    assert list(steps(plain)) == [
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
    assert {line["request_id"] for line in map(json.loads, plain.lines.text) if line["event"] in STEPS} == {"mine"}


async def test_a_connection_is_new_or_used_again(plain: Running) -> None:
    """So is a token."""
    sender = await plain.sender()
    for _ in range(2):
        await sender.ask(POST)
    assert (len(named(plain, "connection.opened")), len(named(plain, "connection.reused"))) == (1, 1)
    assert [line["token"] for line in named(plain, "token.chosen")] == ["granted", "cached"]


async def test_the_version_of_tls_is_told(orders: Orders, issuer: Authority) -> None:
    """With the address of the upstream."""
    async with Upstream(tls=issuer.server()) as upstream:
        proxy = await orders(upstream=upstream, tls={"ca_file": issuer.ca_file()})
        await proxy.ask(POST)
        (opened,) = named(proxy, "connection.opened")
    assert (opened["address"], opened["tls"]) == (upstream.url.removeprefix("https://"), "TLSv1.3")


async def test_each_attempt_has_its_verdict(plain: Running, upstream: Upstream) -> None:
    """It says what follows."""
    sender = await plain.sender()
    await sender.ask(request(b"GET /orders"))
    plain.clock.advance(60)
    upstream.script.extendleft([hang_up, answer(401)])
    await sender.ask(request(b"GET /orders"))
    tries = named(plain, "attempt.finished")[1:]
    assert [(each["attempt"], each["status"], each["verdict"]) for each in tries] == [
        (1, 401, "renew_token"),
        (2, 0, "reconnect"),
        (3, 200, "relay"),
    ]
    assert tries[1]["reason"].startswith("upstream_closed: ")
    assert [line["token"] for line in named(plain, "token.chosen")] == ["granted", "cached", "renewed", "renewed"]


async def test_a_csrf_fetch_is_told(serve: Serve, tenant: Tenant, ca_file: Path) -> None:
    """Its secrets are not."""
    proxy = await serve(tenant_document(tenant, ca_file))
    await proxy.ask(request(b"POST /http/orders", body=b"{}"))
    assert [(each["method"], each["found"]) for each in named(proxy, "csrf.fetched")] == [("HEAD", True)]
    heads = [each["fields"] for each in named(proxy, "request.forwarded")]
    assert "X-CSRF-Token: Fetch" in heads[1]
    assert {"X-CSRF-Token: ***", "Cookie: ***", "Authorization: ***"} <= set(heads[2])


async def test_a_csrf_fetch_without_an_answer_is_told(plain: Running, upstream: Upstream) -> None:
    """The sender gets the refusal."""
    upstream.script.extendleft([hang_up, hang_up, answer(403, b"X-CSRF-Token: Required")])
    await plain.ask(POST)
    assert named(plain, "csrf.fetched") == [{"method": "HEAD", "status": 0, "found": False}]


async def test_no_credential_is_shown(
    upstream: Upstream, authority: AuthorizationServer, plain: Running, tmp_path: Path
) -> None:
    """Nor is a variable of `set_fields`."""
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
    file = tmp_path / "proxy.yaml"
    file.write_text(yaml.safe_dump(whole))
    await plain.apply(await asyncio.to_thread(load, file, {"TENANT": "cAnAryTenant"}))
    cookie = b"Cookie: cpi.orders~S=cAnAryCookie; MYSAPSSO2=cAnAryTicket"
    sender = await plain.sender()
    await sender.ask(request(b"POST /orders", b"Authorization: " + basic("erp", "cAnAryPassword"), cookie, body=b"x"))
    await sender.ask(request(b"POST /keys", b"X-Who: cAnAryKey123", body=b"x"))
    await plain.accounts(2)
    assert [each.field(b"X-Tenant") for each in upstream.requests] == [[b"cAnAryTenant"]] * 2
    first, second = (each["fields"] for each in named(plain, "request.forwarded"))
    assert {"X-Tenant: ***", "X-Part: ***", "X-Plain: shown", "X-Escaped: ${shown}", "Cookie: ***"} <= set(first)
    assert not any(line.lower().startswith("x-who") for line in second)
    assert "cAnAry" not in "".join(plain.lines.text)
    assert "token-1" not in "".join(plain.lines.text)


@cases("level", "info", "warning", "error")
async def test_other_levels_have_no_steps(plain: Running, level: str) -> None:
    """The level changes for the next exchange."""
    sender = await plain.sender()
    plain.app.log.set_level(level)
    await sender.ask(POST)
    assert list(steps(plain)) == []
    async with ClientSession() as session, session.put(f"{plain.admin_url}/log-level", data="debug") as changed:
        assert changed.ok
    await sender.ask(POST)
    assert next(line["event"] for line in steps(plain)) == "route.chosen"
