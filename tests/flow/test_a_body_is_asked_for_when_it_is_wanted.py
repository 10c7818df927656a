"""`Expect: 100-continue`: a sender is asked for its body when somebody is there to take it, else told why not."""

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Upstream, head
from tests.flow.running import Orders, Running

EXPECT = b"Expect: 100-continue"


async def test_a_small_body_is_asked_for(plain: Running, upstream: Upstream) -> None:
    """The upstream sees no Expect."""
    sender = await plain.sender()
    head_and_body = request(b"POST /orders", EXPECT, body=b"body")
    await sender.send(head_and_body[:-4])
    interim = await sender.answer()
    assert (interim.start, interim.fields, upstream.connections) == (b"HTTP/1.1 100 Continue", (), 0)
    assert (await sender.ask(b"body")).status == 200
    assert (upstream.requests[0].field(b"Expect"), bytes(upstream.requests[0].body)) == ([], b"body")


async def test_a_large_body_is_asked_for_when_the_upstream_is_there(
    orders: Orders, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A streamed body can be sent once only."""
    proxy = await orders(buffer=10)
    sender = await proxy.sender()
    octets = request(b"POST /orders", EXPECT, body=b"x" * 100)
    await sender.send(octets[:-100])
    assert (await sender.answer()).status == 100
    assert (len(authority.requests), upstream.connections) == (1, 1)
    assert (await sender.ask(octets[-100:])).status == 200


@cases(
    "target, length, code",
    (b"/nowhere", 5, "route_unknown"),
    (b"/orders", 1 << 40, "body_too_large"),
    (b"/orders/..", 5, "target_outside_route"),
)
async def test_a_body_that_is_refused_is_not_asked_for(plain: Running, target: bytes, length: int, code: str) -> None:
    """The refusal comes in place of the 100."""
    sender = await plain.sender()
    refused = await sender.ask(request(b"POST " + target, EXPECT, b"Content-Length: %d" % length))
    assert (refused.code, refused.field(b"Connection"), await sender.rest()) == (code, [b"close"], b"")


async def test_an_upstream_that_does_not_want_it_is_heard(orders: Orders, upstream: Upstream) -> None:
    """Its early answer follows the 100."""

    async def refuse(call: Call) -> None:
        await call.send(head(413, b"Content-Length: 0"))
        await call.ended()

    upstream.follow(refuse)
    proxy = await orders(buffer=10)
    sender = await proxy.begin(request(b"POST /orders", EXPECT, b"Content-Length: 1000"))
    assert [(await sender.answer()).status for _ in range(2)] == [100, 413]
    assert await sender.rest() == b""
