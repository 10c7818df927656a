"""A side that takes what it is sent slowly but steadily is not cut off, however long it takes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import pytest

from proxy.wire.unsent import unsent
from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Upstream, head
from tests.flow.running import Orders, Running, soon, turns, until

SIZE = 24 << 20
PIECE = b"a" * (64 << 10)
ROUNDS = 6

pytestmark = pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system cannot be asked")


async def pour(call: Call) -> None:
    """An answer that no socket holds."""
    await call.send(head(200, b"Content-Length: %d" % SIZE))
    for _ in range(SIZE // len(PIECE)):
        await call.send(PIECE)


async def settled(proxy: Running) -> None:
    """Let the system take all that it can."""
    await turns(200)
    proxy.clock.advance(5)
    await turns(200)


async def creep(proxy: Running, transport: asyncio.Transport, sip: Callable[[], Awaitable[object]]) -> None:
    """Let a peer take a little, each time at the last moment; the buffer in this process does not fall each time."""
    stood_still = 0
    for _ in range(ROUNDS):
        before, waiting = unsent(transport), transport.get_write_buffer_size()
        while unsent(transport) >= before:
            await sip()
            await turns(2)
        stood_still += transport.get_write_buffer_size() == waiting
        proxy.clock.advance(59)
        await turns()
    assert stood_still


@cases("over_tls", False, True)
async def test_a_sender_that_reads_slowly_gets_its_answer(
    orders: Orders, upstream: Upstream, issuer: Authority, *, over_tls: bool
) -> None:
    """The system has megabytes to send."""
    upstream.follow(pour)
    listen = [{"address": "127.0.0.1:0", "tls": issuer.listener()}, "127.0.0.1:0"]
    proxy = await orders({"listen": listen}, timeout="10h")
    ports = [each.port for each in proxy.app.listeners]
    sender = await proxy.sender(ports[not over_tls], tls=issuer.trusting() if over_tls else None)
    await sender.send(request(b"GET /orders"))
    await until(lambda: any(each.congested for each in proxy.app.senders))
    (connection,) = proxy.app.senders
    await settled(proxy)
    await sender.head()
    left = SIZE

    async def sip() -> None:
        nonlocal left
        left -= len(await sender.read(len(PIECE)))

    await creep(proxy, connection._transport, sip)
    assert await sender.read(left) == b"a" * left
    assert (await proxy.record())["bytes_out"] == SIZE


async def test_an_upstream_that_reads_slowly_gets_its_message(orders: Orders, upstream: Upstream) -> None:
    """`timeout` is for one that takes nothing."""
    steps: asyncio.Queue[None] = asyncio.Queue()

    async def take(call: Call) -> None:
        while len(call.received.body) < SIZE:
            await soon(steps.get())
            await call.read(min(len(PIECE), SIZE - len(call.received.body)))
        await call.send(head(200, b"Content-Length: 0"))

    upstream.follow(take)
    proxy = await orders(timeout="1m")
    sender = await proxy.begin(request(b"POST /orders", b"Content-Length: %d" % SIZE))
    sending = asyncio.create_task(sender.send(b"a" * SIZE))
    (pool,) = proxy.app.pools
    await until(lambda: any(each.congested for each in pool._all))
    (connection,) = pool._all
    await settled(proxy)
    await creep(proxy, connection._transport, lambda: steps.put(None))
    for _ in range(SIZE // len(PIECE)):
        steps.put_nowait(None)
    await soon(sending)
    assert ((await sender.answer()).status, len(upstream.requests[0].body)) == (200, SIZE)
