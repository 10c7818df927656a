"""Half a message never looks whole at the upstream, wherever its sender is cut off; who left is told in the log."""

import asyncio
from collections.abc import Callable

from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.sender import Sender, chunked, request
from tests.fakes.upstream import Call, Upstream
from tests.flow.running import Orders, Running, soon, turns, until

WITH_LENGTH = request(b"POST /orders", body=b"the message")
CHUNKED = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(b"the ", b"message")
LARGE = b"x" * (1 << 20)


@cases("whole", WITH_LENGTH, CHUNKED)
@cases("end", Sender.leave, Sender.reset, Sender.finish)
async def test_a_request_cut_at_any_octet_does_not_reach_the_upstream(
    plain: Running, upstream: Upstream, whole: bytes, end: object
) -> None:
    """The last one is missing."""
    for at in range(len(whole)):
        sender = await plain.begin(whole[:at])
        end(sender)  # type: ignore[operator]
    await until(lambda: all(not each.busy for each in plain.app.senders))
    await plain.ask(whole)
    assert upstream.bodies == [b"the message"]


@cases("end, record", (Sender.reset, (499, "sender_left")), (Sender.leave, (400, "request_malformed")))
async def test_a_cut_body_that_streams_is_cut_at_the_upstream(
    orders: Orders, upstream: Upstream, end: object, record: tuple[int, str]
) -> None:
    """Whoever only closes may still listen, and is told."""
    ended = asyncio.Event()

    async def read_all(call: Call) -> None:
        try:
            await call.body()
        except (ConnectionError, asyncio.IncompleteReadError):
            ended.set()
            raise

    upstream.follow(read_all)
    proxy = await orders(buffer="1KiB")
    sender = await proxy.begin(request(b"POST /orders", body=LARGE)[:-1])
    await upstream.reach(1)
    end(sender)  # type: ignore[operator]
    await soon(ended.wait())
    line = await proxy.record()
    assert (line["status"], line["code"]) == record
    assert len(upstream.requests[0].body) < len(LARGE)


@cases("end", Sender.leave, Sender.reset)
async def test_a_sender_that_leaves_after_its_message_is_delivered_is_noted(
    proxy: Running, tenant: Tenant, end: object
) -> None:
    """The log tells what became of the message."""
    tenant.faults.switch_on("runtime.hang")
    sender = await proxy.begin(request(b"POST /http/invoices", body=b"<x/>"))
    await soon(tenant.faults.struck.reach("runtime.hang", 1))
    end(sender)  # type: ignore[operator]
    await until(lambda: all(each.half_closed for each in proxy.app.senders))
    assert proxy.lines.named("exchange.finished") == []
    tenant.faults.switch_off("runtime.hang")
    record = await proxy.record()
    assert (record["status"], record["made_by"], record["upstream_status"]) == (499, "sender", 200)
    assert (tenant.runs(), record["mpl_id"]) == ({"/invoices": 1}, tenant.messages[0].mpl_id)


@cases("end", Sender.leave, Sender.reset, Sender.finish)
async def test_a_sender_that_leaves_while_the_token_is_awaited_sends_nothing(
    proxy: Running, tenant: Tenant, end: Callable[[Sender], None]
) -> None:
    """It would send the message again."""
    tenant.faults.switch_on("neo.hang")
    sender, other = await proxy.sender(), await proxy.sender()
    await sender.send(request(b"POST /http/invoices", body=b"left"))
    await other.send(request(b"POST /http/invoices", body=b"stays"))
    await soon(tenant.faults.struck.reach("neo.hang", 1))
    await until(lambda: sum(each.busy for each in proxy.app.senders) == 2)
    end(sender)
    await until(lambda: len(proxy.app.senders) == 1 or any(each.half_closed for each in proxy.app.senders))
    tenant.faults.switch_off("neo.hang")
    assert (await other.answer()).status == 200
    assert [message.body_start for message in tenant.messages] == [b"stays"]
    assert sorted(line["status"] for line in await proxy.accounts(2)) == [200, 499]


async def test_no_exchange_is_left_behind(plain: Running, upstream: Upstream) -> None:
    """No connection to the upstream stays leased."""
    for count in range(20):
        sender = await plain.begin(WITH_LENGTH)
        await turns(count)
        sender.leave()
    await until(lambda: not len(plain.app.senders))
    (pool,) = plain.app.pools
    await until(lambda: pool.leased == 0)
    assert all(bytes(each.body) in (b"", b"the message") for each in upstream.requests)
