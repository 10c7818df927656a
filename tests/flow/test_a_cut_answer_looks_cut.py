"""Half an answer never looks whole, wherever the upstream's connection is cut."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Answer, Sender, chunked, request
from tests.fakes.upstream import Call, Line, Upstream, head
from tests.flow.running import Serve, document, soon

WITH_LENGTH = head(200, b"Content-Length: 11", b"Content-Type: text/plain") + b"the message"
CHUNKED = head(200, b"Transfer-Encoding: chunked") + chunked(b"the ", b"message")
BY_CLOSE = head(200, b"Content-Type: text/plain") + b"the message"
CUT = (ConnectionError, asyncio.IncompleteReadError)


def sending(octets: bytes, *, reset: bool = False) -> Line:
    """Make a line that sends so much of an answer and ends the connection."""

    async def line(call: Call) -> None:
        await call.body()
        await call.send(octets)
        if reset:
            call.reset()
        else:
            call.close()

    return line


async def outcome(sender: Sender, octets: bytes) -> Answer | None:
    """The whole answer; None if it is cut."""
    try:
        return await sender.ask(octets)
    except CUT:
        return None
    finally:
        sender.leave()


@pytest.mark.parametrize("whole", [WITH_LENGTH, CHUNKED])
async def test_an_answer_cut_at_any_octet_is_no_answer(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, whole: bytes
) -> None:
    """In the head it is a 502, behind it the sender's connection breaks."""
    proxy = await serve(document(upstream, authority))
    ends_of_head = whole.index(b"\r\n\r\n") + 4
    for at in range(len(whole)):
        upstream.script = deque([sending(whole[:at])])
        seen = await outcome(await proxy.sender(), request(b"POST /orders", body=b"x"))
        if at < ends_of_head:
            assert seen is not None
            assert (at, seen.status, seen.code) == (at, 502, "upstream_closed")
        else:
            assert (at, seen) == (at, None)
    upstream.script = deque([sending(whole)])
    seen = await outcome(await proxy.sender(), request(b"POST /orders", body=b"x"))
    assert seen is not None
    assert seen.body == b"the message"
    assert len(upstream.requests) == len(whole) + 1


@pytest.mark.parametrize("whole", [WITH_LENGTH, CHUNKED, BY_CLOSE])
async def test_a_reset_in_the_body_is_passed_on(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, whole: bytes
) -> None:
    """Also where only the end of the connection would tell the end of the body."""

    async def reset_when_relayed(call: Call) -> None:
        await call.body()
        await call.send(whole[:-3])
        await soon(relayed.wait())
        call.reset()

    relayed = asyncio.Event()
    upstream.script = deque([reset_when_relayed])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"x"))
    assert await sender.read(12) == b"HTTP/1.1 200"
    relayed.set()
    with pytest.raises(ConnectionResetError):
        await sender.rest()
    record = await proxy.record()
    assert (record["status"], record["code"]) == (200, "upstream_closed")


async def test_a_body_up_to_the_end_of_the_connection_is_whole(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """If that came in good order."""
    upstream.script = deque([sending(BY_CLOSE)])
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert relayed.body == b"the message"


@pytest.fixture
async def secure_upstream(tmp_path: Path) -> AsyncIterator[Upstream]:
    """A scripted upstream behind TLS, whose authority is in ca.pem."""
    issuer, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert("127.0.0.1").configure_cert(tls)
    issuer.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with Upstream(tls=tls) as started:
        yield started


@pytest.mark.parametrize("in_order", [True, False])
async def test_an_end_without_close_notify_is_a_cut(
    serve: Serve, secure_upstream: Upstream, authority: AuthorizationServer, *, in_order: bool
) -> None:
    """Anybody on the way can end a TCP connection, but only the upstream can say that it did (RFC 8446 §6.1)."""

    async def end(call: Call) -> None:
        await call.body()
        await call.send(BY_CLOSE)
        if in_order:
            call.close()
        else:
            call.abandon()

    secure_upstream.script = deque([end])
    proxy = await serve(document(secure_upstream, authority, tls={"ca_file": "ca.pem"}))
    seen = await outcome(await proxy.sender(), request(b"POST /orders", body=b"x"))
    assert (None if seen is None else seen.body) == (b"the message" if in_order else None)


@pytest.mark.parametrize(
    "answer",
    [
        b"220 smtp.example ESMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: a\n b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (300 << 10),
    ],
)
async def test_an_answer_that_is_no_http_is_a_502(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, answer: bytes
) -> None:
    """Nothing of it is shown, and nothing is sent again."""

    async def babble(call: Call) -> None:
        await call.body()
        await call.send(answer)
        await call.ended()

    upstream.script = deque([babble])
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(request(b"GET /orders"))
    assert (refused.status, refused.code) == (502, "upstream_malformed")
    assert refused.field(b"Proxy-Status") == [b'here; error=http_protocol_error; details="upstream_malformed"']
    assert (len(upstream.requests), b"smtp.example" in refused.body) == (1, False)


@pytest.mark.parametrize("rest", [b"zz\r\n", b"3\r\nabcd\r\n", b"1\nx"])
async def test_a_chunk_that_is_none_cuts_the_answer(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, rest: bytes
) -> None:
    """The head is out; what follows cannot be trusted."""

    async def babble(call: Call) -> None:
        await call.body()
        await call.send(head(200, b"Transfer-Encoding: chunked") + b"2\r\nab\r\n" + rest)
        await call.ended()

    upstream.script = deque([babble])
    proxy = await serve(document(upstream, authority))
    assert await outcome(await proxy.sender(), request(b"GET /orders")) is None
    assert (await proxy.record())["code"] == "upstream_malformed"


async def test_an_answer_that_comes_octet_by_octet_is_whole(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """However the network cuts it."""

    async def dribble(call: Call) -> None:
        await call.body()
        await call.send_singly(CHUNKED)

    upstream.script = deque([dribble])
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert relayed.body == b"the message"


async def test_a_cut_answer_is_cut_for_http_1_0_too(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Where the end of the connection is the end of the body, only a reset can show it."""

    async def cut_when_relayed(call: Call) -> None:
        await call.body()
        await call.send(CHUNKED[:-8])
        await soon(relayed.wait())
        call.close()

    relayed = asyncio.Event()
    upstream.script = deque([cut_when_relayed])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(b"GET /orders HTTP/1.0\r\n\r\n")
    assert await sender.read(12) == b"HTTP/1.1 200"
    relayed.set()
    with pytest.raises(ConnectionResetError):
        await sender.rest()
