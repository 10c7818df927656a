"""Half a message never looks whole at the upstream, wherever its sender is cut off; who left is told in the log."""

import asyncio
from collections.abc import Callable

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import Sender, chunked, request
from tests.fakes.upstream import Call, Upstream
from tests.flow.running import Orders, Running, soon, turns, until

WITH_LENGTH = request(b"POST /orders", body=b"the message")
CHUNKED = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(b"the ", b"message")
LARGE = b"x" * (1 << 20)


@pytest.mark.parametrize("whole", [WITH_LENGTH, CHUNKED])
@pytest.mark.parametrize("end", [Sender.leave, Sender.reset, Sender.finish])
async def test_a_request_cut_at_any_octet_does_not_reach_the_upstream(
    orders: Orders, upstream: Upstream, whole: bytes, end: object
) -> None:
    """Nothing is sent before the last octet is there."""
    proxy = await orders()
    for at in range(len(whole)):
        sender = await proxy.sender()
        await sender.send(whole[:at])
        end(sender)  # type: ignore[operator]
    await until(lambda: all(not each.busy for each in proxy.app.senders))
    await proxy.ask(whole)
    assert upstream.bodies == [b"the message"]


@pytest.mark.parametrize(
    ("end", "record"), [(Sender.reset, (499, "sender_left")), (Sender.leave, (400, "request_malformed"))]
)
async def test_a_cut_body_that_streams_is_cut_at_the_upstream(
    orders: Orders, upstream: Upstream, end: object, record: tuple[int, str]
) -> None:
    """Its connection breaks before the announced length; who only closes may still listen, and is told."""
    ended = asyncio.Event()

    async def read_all(call: Call) -> None:
        try:
            await call.body()
        except (ConnectionError, asyncio.IncompleteReadError):
            ended.set()
            raise

    upstream.follow(read_all)
    proxy = await orders(buffer="1KiB")
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=LARGE)[:-1])
    await upstream.reach(1)
    end(sender)  # type: ignore[operator]
    await soon(ended.wait())
    line = await proxy.record()
    assert (line["status"], line["code"]) == record
    assert len(upstream.requests[0].body) < len(LARGE)


@pytest.mark.parametrize("end", [Sender.leave, Sender.reset])
async def test_a_sender_that_leaves_after_its_message_is_delivered_is_noted(
    proxy: Running, tenant: Tenant, end: object
) -> None:
    """The answer is awaited: the log tells what became of the message."""
    tenant.faults.switch_on("runtime.hang")
    sender = await proxy.sender()
    await sender.send(request(b"POST /http/invoices", body=b"<x/>"))
    await soon(tenant.faults.struck.reach("runtime.hang", 1))
    end(sender)  # type: ignore[operator]
    await until(lambda: all(each.half_closed for each in proxy.app.senders))
    assert proxy.lines.named("exchange.finished") == []
    tenant.faults.switch_off("runtime.hang")
    record = await proxy.record()
    assert (record["status"], record["made_by"], record["upstream_status"]) == (499, "sender", 200)
    assert (tenant.runs(), record["mpl_id"]) == ({"/invoices": 1}, tenant.messages[0].mpl_id)


@pytest.mark.parametrize("end", [Sender.leave, Sender.reset, Sender.finish])
async def test_a_sender_that_leaves_while_the_token_is_awaited_sends_nothing(
    proxy: Running, tenant: Tenant, end: Callable[[Sender], None]
) -> None:
    """The grant goes on for the others; who ends only its own side has lost patience too, and would send again."""
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


async def test_no_exchange_is_left_behind(orders: Orders, upstream: Upstream) -> None:
    """However many leave at whatever moment: no connection to the upstream stays leased."""
    proxy = await orders()
    for count in range(20):
        sender = await proxy.sender()
        await sender.send(WITH_LENGTH)
        await turns(count)
        sender.leave()
    await until(lambda: not len(proxy.app.senders))
    (pool,) = proxy.app.pools
    await until(lambda: pool.leased == 0)
    assert all(bytes(each.body) in (b"", b"the message") for each in upstream.requests)
