"""`Expect: 100-continue`: a sender is asked for its body when somebody is there to take it, else told why not."""

from collections import deque

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import HOST, request
from tests.fakes.upstream import Call, Upstream, answer, head
from tests.flow.running import Serve, document, turns

EXPECT = b"Expect: 100-continue"


async def test_a_small_body_is_asked_for(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """The upstream sees no Expect: the body is there when it hears of it."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    head_and_body = request(b"POST /orders", EXPECT, body=b"body")
    await sender.send(head_and_body[:-4])
    interim = await sender.answer()
    assert (interim.start, interim.fields, upstream.connections) == (b"HTTP/1.1 100 Continue", (), 0)
    assert (await sender.ask(b"body")).status == 200
    assert (upstream.requests[0].field(b"Expect"), bytes(upstream.requests[0].body)) == ([], b"body")


async def test_a_large_body_is_asked_for_when_the_upstream_is_there(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Token and connection come first: a body that streams can be sent once only."""
    proxy = await serve(document(upstream, authority, buffer=10))
    sender = await proxy.sender()
    octets = request(b"POST /orders", EXPECT, body=b"x" * 100)
    await sender.send(octets[:-100])
    assert (await sender.answer()).status == 100
    assert (len(authority.requests), upstream.connections) == (1, 1)
    assert (await sender.ask(octets[-100:])).status == 200


@pytest.mark.parametrize(
    ("target", "length", "code"),
    [
        (b"/nowhere", 5, "route_unknown"),
        (b"/orders", 1 << 40, "body_too_large"),
        (b"/orders/..", 5, "target_outside_route"),
    ],
)
async def test_a_body_that_is_refused_is_not_asked_for(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, target: bytes, length: int, code: str
) -> None:
    """The answer comes in place of the 100, and the connection ends."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    refused = await sender.ask(request(b"POST " + target, EXPECT, b"Content-Length: %d" % length))
    assert (refused.code, refused.field(b"Connection"), await sender.rest()) == (code, [b"close"], b"")


async def test_an_upstream_that_does_not_want_it_is_heard(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Its early answer follows the 100; the sender need not send the body any more."""

    async def refuse(call: Call) -> None:
        await call.send(head(413, b"Content-Length: 0"))
        await call.ended()

    upstream.script = deque([refuse])
    proxy = await serve(document(upstream, authority, buffer=10))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", EXPECT, b"Content-Length: 1000"))
    assert [(await sender.answer()).status for _ in range(2)] == [100, 413]
    assert await sender.rest() == b""


async def test_a_body_that_came_unasked_is_not_asked_for(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """RFC 9110 §10.1.1 allows it."""
    upstream.script[0] = answer(201)
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", EXPECT, body=b"at once"))
    assert relayed.status == 201


async def test_http_1_0_is_never_asked(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """It knows no interim answers."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(b"POST /orders HTTP/1.0\r\nContent-Length: 4\r\n" + EXPECT + b"\r\n\r\n")
    await turns()
    assert (await sender.ask(b"body")).status == 200


async def test_another_expectation_is_a_417(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """It cannot be met."""
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(request(b"POST /orders", b"Expect: miracles", body=b"x"))
    assert (refused.status, refused.code, upstream.requests) == (417, "expectation_unknown", [])


async def test_a_sender_that_waits_to_be_asked_is_not_too_slow(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """While the upstream takes its time, the body's time does not run."""

    async def slow(call: Call) -> None:
        await call.body()
        await call.send(head(200, b"Content-Length: 0"))

    upstream.script = deque([slow])
    proxy = await serve(document(upstream, authority, buffer=10))
    sender = await proxy.sender()
    await sender.send(b"POST /orders HTTP/1.1\r\n" + HOST + b"\r\nContent-Length: 100\r\n" + EXPECT + b"\r\n\r\n")
    assert (await sender.answer()).status == 100
    proxy.clock.advance(59)
    assert (await sender.ask(b"x" * 100)).status == 200
