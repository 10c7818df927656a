"""On the way down no message is lost: what has begun is finished, nothing new begins."""

import asyncio
from collections import deque

import pytest

from proxy.server.sender_transport import LINGER
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Held, Upstream, answer
from tests.flow.running import Serve, document, soon, until


async def test_an_exchange_in_flight_gets_its_answer(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """With Connection: close; `stop` waits for it."""
    held = Held()
    upstream.script = deque([held])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"x"))
    await upstream.reach(1)
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: proxy.app.draining)
    held.go.set()
    relayed = await sender.answer()
    assert (relayed.status, relayed.body, relayed.field(b"Connection")) == (200, b"done", [b"close"])
    assert await sender.rest() == b""
    await soon(stopping)


async def test_an_answer_that_had_begun_is_followed_by_one_more(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Its head said that the connection goes on; the last one says that it does not."""
    go = asyncio.Event()

    async def halting(call: Call) -> None:
        await call.body()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await go.wait()
        await call.send(b"cd")

    upstream.script = deque([halting, answer()])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"x"))
    assert (await sender.head()).field(b"Connection") == []
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: all(not each.persistent() for each in proxy.app.senders))
    go.set()
    assert await sender.read(4) == b"abcd"
    assert (await sender.ask(request(b"POST /orders", body=b"y"))).field(b"Connection") == [b"close"]
    await soon(stopping)
    assert [bytes(each.body) for each in upstream.requests] == [b"x", b"y"]


async def test_a_body_on_its_way_is_still_taken(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A request whose head is there has begun."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    octets = request(b"POST /orders", body=b"0123456789")
    await sender.send(octets[:-5])
    await until(lambda: any(each.busy for each in proxy.app.senders))
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: proxy.app.draining)
    assert (await sender.ask(octets[-5:])).status == 200
    await soon(stopping)
    assert bytes(upstream.requests[0].body) == b"0123456789"


async def test_idle_connections_end_soon_and_new_ones_are_refused(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """One that is about to send is served once more, with Connection: close; senders then turn to another replica."""
    held = Held()
    upstream.script = deque([answer(), answer(), held, answer()])
    proxy = await serve(document(upstream, authority))
    idle, last, busy = await proxy.sender(), await proxy.sender(), await proxy.sender()
    await idle.ask(request(b"GET /orders"))
    await last.ask(request(b"GET /orders"))
    await busy.send(request(b"POST /orders", body=b"x"))
    await upstream.reach(3)
    port = proxy.port
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: all(not each.persistent() for each in proxy.app.senders))
    assert (await last.ask(request(b"GET /orders"))).field(b"Connection") == [b"close"]
    proxy.clock.advance(LINGER)
    assert await idle.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        await proxy.sender(port)
    held.go.set()
    assert (await busy.answer()).status == 200
    await soon(stopping)


async def test_the_next_request_of_a_pipeline_is_not_begun(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The sender sees Connection: close in the answer before it, and sends it elsewhere."""
    held = Held()
    upstream.script = deque([held])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"one") + request(b"POST /orders", body=b"two"))
    await upstream.reach(1)
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: proxy.app.draining)
    held.go.set()
    assert (await sender.answer()).field(b"Connection") == [b"close"]
    sender.finish()
    assert await sender.rest() == b""
    await soon(stopping)
    assert [bytes(each.body) for each in upstream.requests] == [b"one"]


async def test_readiness_is_gone_while_it_drains(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The admin address answers to the end."""
    held = Held()
    upstream.script = deque([held])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"x"))
    await upstream.reach(1)
    assert await proxy.ask_admin("/readyz") == (200, "ready\n")
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: proxy.app.draining)
    assert await proxy.ask_admin("/readyz") == (503, "draining\n")
    assert (await proxy.ask_admin("/livez"))[0] == 200
    held.go.set()
    await sender.answer()
    await soon(stopping)


async def test_what_takes_longer_than_the_drain_is_told_so(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """`drain_timeout`: the upstream is cut, and the sender hears that nobody knows whether its message arrived."""
    cut = asyncio.Event()

    async def never(call: Call) -> None:
        await call.body()
        await call.ended()
        cut.set()

    upstream.script = deque([never])
    proxy = await serve(document(upstream, authority) | {"drain_timeout": 0})
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"x"))
    await upstream.reach(1)
    await soon(proxy.app.stop())
    told = await sender.answer()
    assert (told.status, told.problem["code"]) == (503, "draining")
    assert "may have arrived" in told.problem["detail"]
    await soon(cut.wait())


async def test_stopping_leaves_nothing_open(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """No connection to senders or upstreams, and no task but the test's own."""
    before = asyncio.all_tasks()
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: all(not each.persistent() for each in proxy.app.senders))
    proxy.clock.advance(LINGER)
    await soon(stopping)
    (pool,) = proxy.app.pools
    assert (len(proxy.app.senders), pool.idle, pool.leased) == (0, 0, 0)
    theirs = {task for task in asyncio.all_tasks() if "tests/fakes" in str(task.get_coro())}
    await until(lambda: not {task for task in asyncio.all_tasks() - before if "fakes" not in repr(task)} - theirs)
