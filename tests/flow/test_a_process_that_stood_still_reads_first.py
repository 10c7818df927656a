"""After SIGSTOP and SIGCONT, a frozen container or a suspended machine, what came meanwhile counts as in time."""

import asyncio

from proxy.server.request_parser import IN_HEAD
from tests.cases import cases
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import Call, Upstream, answer, head
from tests.flow.running import POST, Running, turns, until

LONG = 3600.0
"Seconds; beyond every timeout."
GOOD = head(200, b"Content-Length: 4") + b"good"


async def stand_still(proxy: Running) -> None:
    """All time is over before anything is read."""
    proxy.clock.leap(LONG)
    await turns()
    proxy.clock.advance(0)
    proxy.clock.advance(0)
    await turns()


async def test_an_answer_that_is_there_is_no_504(plain: Running, upstream: Upstream) -> None:
    """A head, and the second half of a body."""
    go = asyncio.Event()

    async def in_two(call: Call) -> None:
        await call.body()
        await go.wait()
        call._writer.write(GOOD[:-2])
        plain.clock.leap(LONG)
        await until(lambda: any(each.body is not None for each in pool._all))
        call._writer.write(GOOD[-2:])
        await stand_still(plain)

    upstream.follow(in_two)
    sender = await plain.begin()
    await upstream.reach(1)
    (pool,) = plain.app.pools
    go.set()
    answered = await sender.answer()
    assert (answered.status, answered.body) == (200, b"good")


@cases("cut", {"in the head": 9, "in the body": -1})
async def test_the_second_half_of_a_request_is_no_408(plain: Running, upstream: Upstream, cut: int) -> None:
    """Nor a reset."""
    octets = request(b"POST /orders", body=b"abc")
    sender = await plain.begin(octets[:cut])
    await until(lambda: any(each._parser.phase is IN_HEAD or each.busy for each in plain.app.senders))
    sender._writer.write(octets[cut:])
    await stand_still(plain)
    assert (await sender.answer()).status == 200
    assert bytes(upstream.requests[0].body) == b"abc"


@cases("used", True, False)
async def test_a_request_on_an_idle_connection_is_no_reset(plain: Running, *, used: bool) -> None:
    """It may have served before."""
    sender: Sender = await plain.sender()
    if used:
        await sender.ask(POST)
    await until(lambda: len(plain.app.senders))
    sender._writer.write(request(b"POST /orders", body=b"y"))
    await stand_still(plain)
    assert (await sender.answer()).status == 200


async def test_an_idle_connection_to_the_upstream_is_not_used_after_its_time(
    plain: Running, upstream: Upstream
) -> None:
    """Nobody had the time to close it."""
    upstream.follow(answer())
    sender = await plain.sender()
    await sender.ask(POST)
    plain.clock.leap(31)
    assert (await sender.ask(request(b"POST /orders", body=b"y"))).status == 200
    assert [each.connection for each in upstream.requests] == [1, 2]


async def test_what_did_not_come_is_late_all_the_same(plain: Running, upstream: Upstream) -> None:
    """The event loop has looked."""

    async def hang(call: Call) -> None:
        await call.body()
        await call.ended()

    upstream.follow(hang)
    sender = await plain.begin()
    await upstream.reach(1)
    await until(lambda: upstream.requests[0].body == b"x")
    await stand_still(plain)
    assert (await sender.answer()).code == "upstream_timeout"
