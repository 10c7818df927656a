"""On the way down no message is lost: what has begun is finished, nothing new begins."""

import asyncio

import pytest

from proxy.server.sender_transport import LINGER
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Held, Upstream, answer
from tests.flow.running import POST, Orders, Running, soon, until


async def test_an_exchange_in_flight_gets_its_answer(plain: Running, upstream: Upstream) -> None:
    """With Connection: close; `stop` waits for it."""
    upstream.follow(held := Held())
    sender = await plain.begin()
    await upstream.reach(1)
    stopping = asyncio.create_task(plain.app.stop())
    await until(lambda: plain.app.draining)
    held.go.set()
    relayed = await sender.answer()
    assert (relayed.status, relayed.body, relayed.field(b"Connection")) == (200, b"done", [b"close"])
    assert await sender.rest() == b""
    await soon(stopping)


async def test_a_body_on_its_way_is_still_taken(plain: Running, upstream: Upstream) -> None:
    """A request whose head is there has begun."""
    sender = await plain.sender()
    octets = request(b"POST /orders", body=b"0123456789")
    await sender.send(octets[:-5])
    await until(lambda: any(each.busy for each in plain.app.senders))
    stopping = asyncio.create_task(plain.app.stop())
    await until(lambda: plain.app.draining)
    assert (await sender.ask(octets[-5:])).status == 200
    await soon(stopping)
    assert bytes(upstream.requests[0].body) == b"0123456789"


async def test_idle_connections_end_soon_and_new_ones_are_refused(plain: Running, upstream: Upstream) -> None:
    """One request more is served, and ends its connection."""
    upstream.follow(answer(), answer(), held := Held(), answer())
    idle, last, busy = await plain.sender(), await plain.sender(), await plain.sender()
    await idle.ask(request(b"GET /orders"))
    await last.ask(request(b"GET /orders"))
    await busy.send(POST)
    await upstream.reach(3)
    port = plain.port
    stopping = asyncio.create_task(plain.app.stop())
    await until(lambda: all(not each.persistent() for each in plain.app.senders))
    assert (await last.ask(request(b"GET /orders"))).field(b"Connection") == [b"close"]
    plain.clock.advance(LINGER)
    assert await idle.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        await plain.sender(port)
    held.go.set()
    assert (await busy.answer()).status == 200
    await soon(stopping)


async def test_readiness_is_gone_while_it_drains(plain: Running, upstream: Upstream) -> None:
    """The admin address answers to the end."""
    upstream.follow(held := Held())
    sender = await plain.begin()
    await upstream.reach(1)
    assert await plain.ask_admin("/readyz") == (200, "ready\n")
    stopping = asyncio.create_task(plain.app.stop())
    await until(lambda: plain.app.draining)
    assert await plain.ask_admin("/readyz") == (503, "draining\n")
    assert (await plain.ask_admin("/livez"))[0] == 200
    held.go.set()
    await sender.answer()
    await soon(stopping)


async def test_what_takes_longer_than_the_drain_is_told_so(orders: Orders, upstream: Upstream) -> None:
    """Its message may have arrived."""
    cut = asyncio.Event()

    async def never(call: Call) -> None:
        await call.body()
        await call.ended()
        cut.set()

    upstream.follow(never)
    proxy = await orders({"drain_timeout": 0})
    sender = await proxy.begin()
    await upstream.reach(1)
    await soon(proxy.app.stop())
    told = await sender.answer()
    assert (told.status, told.problem["code"]) == (503, "draining")
    assert "may have arrived" in told.problem["detail"]
    await soon(cut.wait())


async def test_stopping_leaves_nothing_open(orders: Orders) -> None:
    """Nor any task."""
    before = asyncio.all_tasks()
    proxy = await orders()
    await proxy.ask(POST)
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: all(not each.persistent() for each in proxy.app.senders))
    proxy.clock.advance(LINGER)
    await soon(stopping)
    (pool,) = proxy.app.pools
    assert (len(proxy.app.senders), pool.idle, pool.leased) == (0, 0, 0)
    theirs = {task for task in asyncio.all_tasks() if "tests/fakes" in str(task.get_coro())}
    await until(lambda: not {task for task in asyncio.all_tasks() - before if "fakes" not in repr(task)} - theirs)
