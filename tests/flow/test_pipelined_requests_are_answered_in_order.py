"""What a sender sends ahead waits for its turn (RFC 9112 §9.3.2)."""

import asyncio
from collections import deque

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Call, Upstream, head
from tests.flow.running import Serve, document, soon, turns


async def echo(call: Call) -> None:
    """Answer with what came."""
    body = await call.body()
    await call.send(head(200, b"Content-Length: %d" % len(body)) + body)


async def test_requests_in_one_piece_get_their_answers_in_order(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Bodies of either framing between them."""
    upstream.script = deque([echo])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    octets = [request(b"POST /orders", body=b"%d" % number) for number in range(10)]
    octets[5] = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(b"five")
    await sender.send(b"".join(octets))
    bodies = [(await sender.answer()).body for _ in octets]
    assert bodies == [b"0", b"1", b"2", b"3", b"4", b"five", b"6", b"7", b"8", b"9"]


async def test_they_are_served_one_after_the_other(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The second is not begun before the first is answered: the order of messages is the sender's."""
    go = asyncio.Event()

    async def wait(call: Call) -> None:
        await soon(go.wait())
        await echo(call)

    upstream.script = deque([wait, echo])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"one") + request(b"POST /orders", body=b"two"))
    await upstream.reach(1)
    await turns()
    assert len(upstream.requests) == 1
    go.set()
    assert [(await sender.answer()).body for _ in range(2)] == [b"one", b"two"]


async def test_octet_by_octet_they_are_the_same_requests(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """However the network cuts them."""
    upstream.script = deque([echo])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send_singly(request(b"POST /orders", body=b"one") + request(b"POST /orders", body=b"two"))
    assert [(await sender.answer()).body for _ in range(2)] == [b"one", b"two"]


async def test_nothing_is_read_behind_a_request_that_closes(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """`Connection: close` is the sender's last word (RFC 9112 §9.6)."""
    upstream.script = deque([echo])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", b"Connection: close", body=b"one") + request(b"POST /orders"))
    last = await sender.answer()
    assert (last.body, last.field(b"Connection")) == (b"one", [b"close"])
    assert (await sender.rest(), len(upstream.requests)) == (b"", 1)


@pytest.mark.parametrize("with_head", [0, 1, 10, 1 << 20])
async def test_nothing_of_a_body_that_was_refused_is_read_as_a_request(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, with_head: int
) -> None:
    """However much of it came with its head."""
    proxy = await serve(document(upstream, authority, max_body=10))
    sender = await proxy.sender()
    planted = request(b"POST /orders", body=b"planted")
    octets = request(b"POST /orders", body=planted)
    at = min(len(octets) - len(planted) + with_head, len(octets))
    refused = await sender.ask(octets[:at])
    await sender.send(octets[at:])
    sender.finish()
    assert (refused.code, await sender.rest(), upstream.requests) == ("body_too_large", b"", [])
