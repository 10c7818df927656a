"""`timeout` runs from the last octet of the request to the head of the answer, and again in any gap of the answer."""

import asyncio

import pytest

from tests.cases import cases
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Upstream, answer, hang, head
from tests.flow.running import Orders, soon, until


@cases("method", b"POST", b"GET")
async def test_no_answer_in_time_is_a_504(orders: Orders, upstream: Upstream, method: bytes) -> None:
    """Nothing is sent again."""
    gone = asyncio.Event()

    async def hang_until_gone(call: Call) -> None:
        await hang(call)
        gone.set()

    upstream.follow(hang_until_gone, answer())
    proxy = await orders(timeout="5m")
    sender = await proxy.begin(request(method + b" /orders", body=b"x"))
    await upstream.reach(1)
    await until(lambda: upstream.requests[0].body == b"x")
    proxy.clock.advance(299)
    assert proxy.lines.named("exchange.finished") == []
    proxy.clock.advance(2)
    refused = await sender.answer()
    assert refused.refusal == (504, "upstream_timeout")
    assert refused.field(b"Proxy-Status") == [b'here; error=http_response_timeout; details="upstream_timeout"']
    await soon(gone.wait())
    assert len(upstream.requests) == 1


async def test_a_gap_in_the_answer_cuts_it(orders: Orders, upstream: Upstream) -> None:
    """A half must not look whole."""

    async def stop_halfway(call: Call) -> None:
        await call.body()
        await call.send(head(200, b"Content-Length: 10") + b"half")
        await call.ended()

    upstream.follow(stop_halfway)
    proxy = await orders(timeout="5m")
    sender = await proxy.begin()
    started = await sender.read(len(b"HTTP/1.1 200"))
    proxy.clock.advance(301)
    with pytest.raises(ConnectionResetError):
        await sender.rest()
    assert started == b"HTTP/1.1 200"
    record = await proxy.record()
    assert (record["status"], record["code"]) == (200, "upstream_timeout")
