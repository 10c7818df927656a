"""A flood of any kind does not stop other senders, and memory stays bounded."""

import asyncio
from typing import Any

import pytest

from proxy.server.request_parser import IN_HEAD
from proxy.server.sender_connection import SenderConnection
from proxy.wire.field_names import MOST
from proxy.wire.reading import PIECE
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import answer
from tests.flow.hostile_sender.fence import Fence
from tests.flow.running import turns, until

SLOW = request(b"POST /orders/slow", b"Content-Length: 10")


def crowd(fence: Fence) -> list[SenderConnection]:
    """Returns the connections of the proxy."""
    return list(fence.proxy.app.senders)


async def many(fence: Fence, count: int, octets: bytes = b"") -> list[Sender]:
    """Opens connections and sends these bytes over each."""
    senders = [await fence.proxy.sender() for _ in range(count)]
    for each in senders:
        await each.send(octets)
    return senders


async def sender_from(fence: Fence, address: str) -> Sender:
    """Connects from another address of this machine."""
    streams = await asyncio.open_connection("127.0.0.1", fence.proxy.port, local_addr=(address, 0))
    return Sender(*streams)


@pytest.mark.parametrize("limits", [{"max_connections": 50}])
async def test_idle_connections_are_so_many_and_no_more(fence: Fence, limits: dict[str, Any]) -> None:
    """One that ends makes room."""
    normal = await fence.proxy.sender()
    await fence.passes(normal)
    idle = await many(fence, limits["max_connections"] - 1)
    refused = await many(fence, 100)
    assert {(await each.answer()).code for each in refused} == {"overloaded"}
    await fence.passes(normal)
    for each in idle:
        each.leave()
    await until(lambda: len(crowd(fence)) == 1)
    await fence.passes()


@pytest.mark.parametrize("limits", [{"max_connections": 50}])
async def test_idle_connections_do_not_stay(fence: Fence, limits: dict[str, Any]) -> None:
    """Idle connections have a timeout."""
    idle = await many(fence, limits["max_connections"])
    await until(lambda: len(crowd(fence)) == limits["max_connections"])
    fence.proxy.clock.advance(76)
    assert {await each.rest() for each in idle} == {b""}
    await fence.passes()


async def test_slow_heads_hold_nobody_up_and_end(fence: Fence) -> None:
    """A hundred never send a whole head."""
    slow = await many(fence, 100, b"POST /orders")
    await until(lambda: sum(each._parser.phase is IN_HEAD for each in crowd(fence)) == 100)
    await fence.passes()
    for _ in range(15):
        fence.proxy.clock.advance(1)
        for each in slow:
            await each.send(b"x")
    fence.proxy.clock.advance(1)
    assert {(await each.answer()).code for each in slow} == {"request_timeout"}
    assert fence.targets == [b"/http/orders/normal"]


async def test_slow_bodies_hold_nobody_up_and_end(fence: Fence) -> None:
    """None uses a connection to the upstream."""
    slow = await many(fence, 100, SLOW + b"x")
    await until(lambda: sum(each.busy for each in crowd(fence)) == 100)
    await fence.passes()
    fence.proxy.clock.advance(61)
    assert {(await each.answer()).code for each in slow} == {"request_timeout"}
    assert (fence.targets, fence.upstream.connections) == ([b"/http/orders/normal"], 1)


@pytest.mark.parametrize("limits", [{"max_connections_per_sender": 5}])
async def test_one_address_takes_its_share_and_no_more(fence: Fence, limits: dict[str, Any]) -> None:
    """Others can connect."""
    taken = await many(fence, limits["max_connections_per_sender"])
    refused = await many(fence, 50)
    assert {(await each.answer()).code for each in refused} == {"overloaded"}
    other = await sender_from(fence, "127.0.0.3")
    await fence.passes(other)
    for each in taken:
        await fence.passes(each)
    other.leave()


async def test_pipelined_thousands_fill_no_memory(fence: Fence) -> None:
    """Two pieces are read at most."""
    go_on = asyncio.Event()

    async def late(call: Any) -> None:
        await call.body()
        await go_on.wait()
        await answer()(call)

    fence.upstream.follow(late)
    flood = await fence.proxy.sender()
    flooding = asyncio.create_task(flood.send(request(b"GET /orders/flood", b"X: " + b"x" * 3000) * 3000))
    await fence.upstream.reach(1)
    await turns(500)
    (connection,) = crowd(fence)
    assert 0 < len(connection._parser.held) <= 2 * PIECE
    assert not flooding.done()
    assert len(fence.targets) == 1
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    flood.reset()
    go_on.set()


async def test_answers_that_nobody_reads_stop_the_reading(fence: Fence) -> None:
    """A sender that does not read is not served for long."""
    fence.script(body=b"x" * 10_000)
    flood = await fence.proxy.sender()
    flooding = asyncio.create_task(flood.send(request(b"GET /orders/flood") * 100_000))
    await until(lambda: any(each.congested for each in crowd(fence)))
    await fence.passes()
    await turns(500)
    (connection,) = (each for each in crowd(fence) if each.congested)
    assert connection._transport.get_write_buffer_size() < 1 << 20
    assert len(fence.targets) < 10_000
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    flood.reset()


async def test_ever_new_heads_fill_no_memory(fence: Fence) -> None:
    """Of names, more than are kept."""
    sender = await fence.proxy.sender()
    for number in range(MOST // 15 + 5):
        each = b"%d" % number
        fields = (b"X-%b-%d: 1" % (each, field) for field in range(15))
        octets = request(b"M%b /orders/%b" % (each, each), *fields, b"X-Request-ID: " + each)
        await sender.send(octets.replace(b"Host: proxy", b"Host: h" + each))
        assert (await sender.answer()).status == 200
    (listener,) = fence.proxy.app.listeners
    assert len(listener._context.reader._names.known) == MOST
    assert len(fence.proxy.app.metrics.exchanges) == 1


async def test_wrong_keys_in_great_number_are_refused_one_by_one(fence: Fence) -> None:
    """Only the sender with the key causes a grant."""
    flood = await fence.proxy.begin(request(b"POST /keyed", b"X-API-Key: cAnAryHidden", body=b"x") * 300)
    right = request(b"POST /keyed", b"X-API-Key: the-right-key", body=b"x")
    assert (await fence.ask(right)).status == 200
    assert [(await flood.answer()).status for _ in range(300)] == [403] * 300
    lines = await fence.proxy.accounts(301)
    assert ([line["route"] for line in lines], fence.grants) == (["keyed"] * 301, 1)
