"""An upstream that answers before it has the whole body is heard, and the rest is not sent."""

from collections import deque

from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Upstream, answer, head
from tests.flow.running import Orders

LARGE = b"x" * (4 << 20)


@cases("status", 413, 401, 503)
async def test_the_sender_gets_the_answer_and_the_connection_ends(
    orders: Orders, upstream: Upstream, status: int
) -> None:
    """No reset disturbs it."""

    async def answer_early(call: Call) -> None:
        await call.send(head(status, b"Content-Length: 8", b"Connection: close") + b"too much")
        await call.ended()

    upstream.follow(answer_early, answer())
    proxy = await orders(buffer="1KiB")
    sender = await proxy.sender()
    octets = request(b"POST /orders", body=LARGE)
    await sender.send(octets[: 1 << 20])
    relayed = await sender.answer()
    assert (relayed.status, relayed.body, relayed.field(b"Connection")) == (status, b"too much", [b"close"])
    assert await sender.rest() == b""
    assert len(upstream.requests[0].body) < len(LARGE)


@cases("read", 0, 200_000)
@cases("tls", False, True)
@cases("size", 1 << 20, 8 << 20)
async def test_an_answer_is_found_behind_a_broken_write(
    orders: Orders, issuer: Authority, *, tls: bool, size: int, read: int
) -> None:
    """The upstream has reset the connection by then."""

    async def refuse(call: Call) -> None:
        await call.read(read)
        await call.send(head(413, b"Content-Length: 5", b"Connection: close") + b"large")
        call.abandon()

    async with Upstream(tls=issuer.server() if tls else None) as upstream:
        upstream.script = deque([refuse] * 5)
        options = {"tls": {"ca_file": issuer.ca_file()}} if tls else {}
        proxy = await orders(upstream=upstream, **options)
        for _ in range(5):
            refused = await proxy.ask(request(b"POST /orders", body=b"x" * size))
            assert (refused.status, refused.body) == (413, b"large")
