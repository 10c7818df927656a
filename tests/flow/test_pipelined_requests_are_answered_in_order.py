"""What a sender sends ahead waits for its turn (RFC 9112 §9.3.2)."""

import asyncio

from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Call, Upstream, head
from tests.flow.running import Running, soon, turns


async def echo(call: Call) -> None:
    """Answer with what came."""
    body = await call.body()
    await call.send(head(200, b"Content-Length: %d" % len(body)) + body)


async def test_requests_in_one_piece_get_their_answers_in_order(plain: Running, upstream: Upstream) -> None:
    """Bodies of either framing between them."""
    upstream.follow(echo)
    sender = await plain.sender()
    octets = [request(b"POST /orders", body=b"%d" % number) for number in range(10)]
    octets[5] = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(b"five")
    await sender.send(b"".join(octets))
    bodies = [(await sender.answer()).body for _ in octets]
    assert bodies == [b"0", b"1", b"2", b"3", b"4", b"five", b"6", b"7", b"8", b"9"]


async def test_they_are_served_one_after_the_other(plain: Running, upstream: Upstream) -> None:
    """The order of messages is the sender's."""
    go = asyncio.Event()

    async def wait(call: Call) -> None:
        await soon(go.wait())
        await echo(call)

    upstream.follow(wait, echo)
    sender = await plain.begin(request(b"POST /orders", body=b"one") + request(b"POST /orders", body=b"two"))
    await upstream.reach(1)
    await turns()
    assert len(upstream.requests) == 1
    go.set()
    assert [(await sender.answer()).body for _ in range(2)] == [b"one", b"two"]
