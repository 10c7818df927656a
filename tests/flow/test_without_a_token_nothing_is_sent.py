"""A request goes out with a token or not at all; the sender learns whether trying again makes sense."""

import socket
from collections.abc import AsyncIterator

import pytest

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, Fault, Reply, granted, refused
from tests.fakes.sender import Answer
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Running, Serve, document

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
    """During the pause, others are refused at once."""
    proxy = await serve(document(upstream, nowhere, client=IMPATIENT))
    for _ in range(2):
        answer = await post(proxy)
        assert (answer.status, answer.code, answer.field(b"Retry-After")) == (503, "grant_unavailable", [b"1"])
    assert upstream.connections == 0
    assert len(proxy.lines.named("token.grant_failed")) == 1


@cases("status", 500, 502, 503, 429)
async def test_a_token_endpoint_that_fails_is_a_503(serve: Serve, upstream: Upstream, status: int) -> None:
    """Its own Retry-After is passed on."""
    reply = Reply(status=status, fields=(("Retry-After", "120"),), body=b"no")
    async with AuthorizationServer(reply) as authority:
        proxy = await serve(document(upstream, authority))
        answer = await post(proxy)
    assert (answer.status, answer.code, answer.field(b"Retry-After")) == (503, "grant_unavailable", [b"120"])
    assert upstream.connections == 0


@cases(
    "reply, status, code",
    (refused(401, error="invalid_client"), 502, "grant_rejected"),
    (Reply(status=403), 502, "grant_rejected"),
    (Reply(body=b"<html>Logon</html>"), 502, "grant_malformed"),
    (granted("split\r\nX-Injected: 1"), 502, "grant_malformed"),
    (Reply(status=302, fields=(("Location", "http://127.0.0.1:1/"),)), 502, "grant_malformed"),
    (Fault.GARBAGE, 502, "grant_malformed"),
    (Fault.HANG, 504, "grant_timeout"),
    (Fault.RESET, 503, "grant_unavailable"),
)
async def test_a_grant_that_gives_no_token_is_told(
    serve: Serve, upstream: Upstream, reply: Reply | Fault, status: int, code: str
) -> None:
    """The token endpoint's own text is not shown."""
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
