"""A request goes out with a token or not at all; the sender learns whether trying again makes sense."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer, Fault, Reply, granted, refused
from tests.fakes.sender import Answer, request
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Running, Serve, document, tenant_document

IMPATIENT = {"timeout": "400ms"}
"A failed grant is tried again once at most, because the second pause is longer than an exchange waits."


async def post(proxy: Running) -> Answer:
    """One message over a connection of its own."""
    return await proxy.ask(POST)


@pytest.fixture
async def nowhere() -> AsyncIterator[str]:
    """A token URL where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/token"


async def test_a_token_endpoint_that_is_down_is_a_503(serve: Serve, upstream: Upstream, nowhere: str) -> None:
    """With Retry-After; while the pause lasts, the next sender is refused at once."""
    proxy = await serve(document(upstream, nowhere, client=IMPATIENT))
    for _ in range(2):
        answer = await post(proxy)
        assert (answer.status, answer.code, answer.field(b"Retry-After")) == (503, "grant_unavailable", [b"1"])
    assert upstream.connections == 0
    assert len(proxy.lines.named("token.grant_failed")) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_a_token_endpoint_that_fails_is_a_503(serve: Serve, upstream: Upstream, status: int) -> None:
    """Its own Retry-After is passed on."""
    reply = Reply(status=status, fields=(("Retry-After", "120"),), body=b"no")
    async with AuthorizationServer(reply) as authority:
        proxy = await serve(document(upstream, authority))
        answer = await post(proxy)
    assert (answer.status, answer.code, answer.field(b"Retry-After")) == (503, "grant_unavailable", [b"120"])
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (refused(401, error="invalid_client"), 502, "grant_rejected"),
        (refused(400, error="invalid_grant"), 502, "grant_rejected"),
        (Reply(status=403), 502, "grant_rejected"),
        (Reply(body=b"<html>Logon</html>"), 502, "grant_malformed"),
        (Reply(body=b'{"access_token"'), 502, "grant_malformed"),
        (granted("two words"), 502, "grant_malformed"),
        (granted("split\r\nX-Injected: 1"), 502, "grant_malformed"),
        (Reply(status=302, fields=(("Location", "http://127.0.0.1:1/"),)), 502, "grant_malformed"),
        (Fault.GARBAGE, 502, "grant_malformed"),
        (Fault.HANG, 504, "grant_timeout"),
        (Fault.HANG_UP, 503, "grant_unavailable"),
        (Fault.RESET, 503, "grant_unavailable"),
        (Fault.CUT_SHORT, 503, "grant_unavailable"),
    ],
)
async def test_a_grant_that_gives_no_token_is_told(
    serve: Serve, upstream: Upstream, reply: Reply | Fault, status: int, code: str
) -> None:
    """In one sentence that names the OAuth client, and never with the token endpoint's own text."""
    patience = {} if status == 502 else IMPATIENT  # what is refused or malformed is not tried again anyway
    async with AuthorizationServer(reply) as authority:
        proxy = await serve(document(upstream, authority, client=patience))
        answer = await post(proxy)
    assert answer.refusal == (status, code)
    assert "OAuth client orders" in answer.problem["detail"]
    assert "Logon" not in answer.problem["detail"]
    assert upstream.connections == 0
    record = await proxy.record()
    assert (record["status"], record["made_by"], record["code"], record["attempts"]) == (status, "proxy", code, 0)


async def test_a_refusal_is_remembered(serve: Serve, upstream: Upstream) -> None:
    """For a second, then two, and so on: senders in a loop make no storm at the token endpoint."""
    async with AuthorizationServer(refused(401, error="invalid_client")) as authority:
        proxy = await serve(document(upstream, authority))
        for expected in (1, 1, 1):
            assert [(await post(proxy)).code for _ in range(3)] == ["grant_rejected"] * 3
            assert len(authority.requests) == expected
        proxy.clock.advance(1)
        await post(proxy)
        assert len(authority.requests) == 2
        proxy.clock.advance(1)
        await post(proxy)
        assert len(authority.requests) == 2


async def test_a_live_token_is_used_through_an_outage(serve: Serve, upstream: Upstream) -> None:
    """The last minutes of its life are for that."""
    outage = Reply(status=503, fields=(("Retry-After", "60"),))  # longer than an exchange waits, so tried once each
    async with AuthorizationServer(granted("first"), outage) as authority:
        proxy = await serve(document(upstream, authority))
        assert (await post(proxy)).status == 200
        proxy.clock.advance(3600 - 60)
        for _ in range(3):
            assert (await post(proxy)).status == 200
        await proxy.lines.reach("token.grant_failed")
        proxy.clock.advance(61)
        answer = await post(proxy)
        assert answer.refusal == (503, "grant_unavailable")
    assert [each.field(b"Authorization") for each in upstream.requests] == [[b"Bearer first"]] * 4


async def test_service_returns_when_the_token_endpoint_does(serve: Serve, upstream: Upstream) -> None:
    """Without a restart."""
    async with AuthorizationServer(Reply(status=400), granted("later")) as authority:
        proxy = await serve(document(upstream, authority))
        assert (await post(proxy)).status == 502
        proxy.clock.advance(2)
        assert (await post(proxy)).status == 200
    assert upstream.requests[0].field(b"Authorization") == [b"Bearer later"]


async def test_twenty_senders_share_one_refusal(serve: Serve, upstream: Upstream) -> None:
    """All wait for the one grant, and all are told."""
    async with AuthorizationServer(refused(401, error="invalid_client")) as authority:
        proxy = await serve(document(upstream, authority))
        answers = await asyncio.gather(*(post(proxy) for _ in range(20)))
        assert {(answer.status, answer.code) for answer in answers} == {(502, "grant_rejected")}
        assert len(authority.requests) == 1


async def test_the_second_secret_is_tried_when_the_first_is_rejected(
    serve: Serve, tenant: Tenant, ca_file: Path
) -> None:
    """So that a secret can be changed at any time."""
    configuration = tenant_document(tenant, ca_file)
    client = configuration["oauth_clients"]["neo"]
    client["client_secret_next"] = client["client_secret"]
    client["client_secret"] = "old and rejected"
    proxy = await serve(configuration)
    answer = await proxy.ask(request(b"POST /http/invoices", body=b"x"))
    assert answer.status == 200
    assert [grant.outcome.value for grant in tenant.grants] == ["refused", "granted"]
