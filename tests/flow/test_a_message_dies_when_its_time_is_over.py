"""`max_age` makes a dead letter of a message wherever it waits, and never of one that is being delivered."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from proxy.outbox import expiry
from proxy.outbox.message import MessageState
from proxy.outbox.sqlite.schema import NAME
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, deferred, delivered, died, kept, outbox_document, posted, settled, store_of
from tests.flow.running import Orders, Running, until

NEVER = ["1d"]
"Retries that come too late."


@pytest.fixture
def outbox(outbox: Orders) -> Orders:
    """Its messages may live for a minute."""
    return lambda **options: outbox(**{"max_age": "60s", "retries": NEVER} | options)


async def send(proxy: Running, count: int) -> list[str]:
    """Send so many messages; their ids."""
    sender = await proxy.sender()
    return [await accepted(sender, posted(b"%d" % number)) for number in range(count)]


async def die(proxy: Running, ids: list[str], clock: HandLoop) -> None:
    """They die now, not before; it is told everywhere."""
    told: list[str] = []
    clock.advance(59)
    await settled(proxy)
    assert proxy.lines.named("message.died") == []
    stop = proxy.app.outboxes.watch(told.append)
    clock.advance(1)
    lines = await died(proxy, len(ids))
    stop()
    assert sorted(line["id"] for line in lines) == sorted(ids)
    assert {(line["code"], line["age_seconds"], line["level"]) for line in lines} == {("expired", 60, "error")}
    assert {each.id for each in await kept(proxy, MessageState.DEAD) if each.code == "expired"} == set(ids)
    assert "orders" in told
    _, metrics = await proxy.ask_admin("/metrics")
    assert f'cpi_proxy_outbox_deliveries_total{{outcome="died",route="orders"}} {len(ids)}.0\n' in metrics
    assert f'cpi_proxy_outbox_messages{{route="orders",state="dead"}} {len(ids)}.0\n' in metrics
    (shown,) = json.loads((await proxy.ask_admin("/status"))[1])["outbox"]["routes"]
    assert (shown["dead"], shown["oldest_at"] is None) == (len(ids), shown["waiting"] + shown["delivering"] == 0)


async def test_while_its_upstream_is_away(outbox: Orders, clock: HandLoop) -> None:
    """Nothing is taken before the next probe."""
    async with Upstream() as gone:
        pass
    proxy = await outbox(upstream=gone)
    ids = await send(proxy, 12)
    await deferred(proxy)
    await settled(proxy)
    await die(proxy, ids, clock)


async def test_while_there_is_no_token(outbox: Orders, clock: HandLoop, refusing: AuthorizationServer) -> None:
    """The OAuth client is refused."""
    proxy = await outbox(authority=refusing)
    ids = await send(proxy, 12)
    await deferred(proxy)
    await settled(proxy)
    await die(proxy, ids, clock)


async def test_while_its_route_is_held(outbox: Orders, upstream: Upstream, clock: HandLoop) -> None:
    """Messages came before the hold and after it."""
    proxy = await outbox()
    await store_of(proxy).hold("orders")
    ids = await send(proxy, 3)
    await settled(proxy)
    await die(proxy, ids, clock)
    assert upstream.requests == []


async def test_while_others_are_being_delivered(outbox: Orders, upstream: Upstream, clock: HandLoop) -> None:
    """These are delivered when the upstream answers."""
    upstream.script.appendleft(held := Held())
    proxy = await outbox(concurrency=1, route={"timeout": "10m"})
    first, *others = await send(proxy, 4)
    await upstream.reach(1)
    await die(proxy, others, clock)
    clock.advance(60)
    held.go.set()
    (line,) = await delivered(proxy)
    assert (line["id"], len(proxy.lines.named("message.died")), len(upstream.requests)) == (first, 3, 1)


async def test_while_it_waits_behind_another_of_its_order(outbox: Orders, upstream: Upstream, clock: HandLoop) -> None:
    """What stands behind it does not age."""
    upstream.script.appendleft(held := Held())
    proxy = await outbox(order="route", route={"timeout": "10m"})
    first, second = await send(proxy, 2)
    await upstream.reach(1)
    await die(proxy, [second], clock)
    (third,) = await send(proxy, 1)
    clock.advance(300)
    await settled(proxy)
    held.go.set()
    await delivered(proxy)
    await settled(proxy)
    found = {each.id: each.state.value for each in await kept(proxy)}
    assert found == {second: "dead", third: "waiting"}
    await store_of(proxy).discard(second)
    await delivered(proxy, 2)
    assert [line["id"] for line in proxy.lines.named("message.delivered")] == [first, third]


async def test_though_its_next_delivery_would_be_later(outbox: Orders, upstream: Upstream, clock: HandLoop) -> None:
    """The upstream has asked for an hour."""
    upstream.script.extendleft([answer(503, b"Retry-After: 3600")] * 3)
    proxy = await outbox(concurrency=3)
    ids = await send(proxy, 3)
    await deferred(proxy, 3)
    await die(proxy, ids, clock)
    assert len(upstream.requests) == 3
    assert {line["attempts"] for line in await died(proxy, 3)} == {1}
    await store_of(proxy).retry(ids[0], clock.wall())
    await delivered(proxy)


@cases("is_held", False, True)
async def test_while_no_proxy_runs(outbox: Orders, clock: HandLoop, *, is_held: bool) -> None:
    """The next one finds it."""
    async with Upstream() as gone:
        pass
    first = await outbox(upstream=gone)
    ids = await send(first, 5)
    await deferred(first)
    await settled(first)
    if is_held:
        await store_of(first).hold("orders")
    await first.stop()
    clock.leap(100)
    second = await outbox(upstream=gone)
    lines = await died(second, 5)
    assert {line["id"]: (line["code"], line["age_seconds"]) for line in lines} == dict.fromkeys(ids, ("expired", 100))


@cases("repeatable, code", (False, "uncertain"), (True, "expired"))
async def test_what_may_have_arrived_is_told_apart(
    outbox: Orders, tmp_path: Path, clock: HandLoop, *, repeatable: bool, code: str
) -> None:
    """An earlier process had begun."""
    first = await outbox(repeatable=repeatable)
    await store_of(first).hold("orders")
    (id_,) = await send(first, 1)
    await first.stop()
    await asyncio.to_thread(begin, tmp_path / "store" / NAME, id_)
    clock.leap(100)
    second = await outbox(repeatable=repeatable)
    (line,) = await died(second)
    assert (line["id"], line["code"]) == (id_, code)
    assert [each.code for each in (await store_of(second).message(id_)).history] == ["interrupted"]


async def test_a_new_message_may_be_the_first_to_die(
    outbox: Orders, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """After a reload with a shorter `max_age`."""
    proxy = await outbox(max_age="1d")
    await store_of(proxy).hold("orders")
    (old,) = await send(proxy, 1)
    await settled(proxy)
    await proxy.reload(outbox_document(upstream, authority, tmp_path, retries=NEVER, max_age="10s"))
    (new,) = await send(proxy, 1)
    clock.advance(10)
    (line,) = await died(proxy)
    assert line["id"] == new
    assert [each.id for each in await kept(proxy, MessageState.WAITING)] == [old]


async def test_many_die_in_small_groups(outbox: Orders, clock: HandLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is accepted meanwhile is not held up."""
    monkeypatch.setattr(expiry, "MOST", 2)
    proxy = await outbox()
    await store_of(proxy).hold("orders")
    ids = await send(proxy, 11)
    await settled(proxy)
    clock.advance(60)
    await died(proxy, 1)
    new = await accepted(proxy)
    assert len(await died(proxy, 11)) == len(ids)
    assert [each.id for each in await kept(proxy, MessageState.WAITING)] == [new]


async def test_a_store_that_fails_is_asked_again(
    outbox: Orders, clock: HandLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours ends one look only."""
    proxy = await outbox()
    await store_of(proxy).hold("orders")
    await send(proxy, 1)
    await settled(proxy)
    with monkeypatch.context() as patch:
        patch.setattr(type(store_of(proxy)), "expire", fail)
        clock.advance(60)
        await proxy.lines.reach("dispatcher.crashed")
    await until(lambda: bool(clock.pauses))
    clock.advance(1)
    await died(proxy)


def fail(*_: object, **__: object) -> None:
    """A fault of ours."""
    raise TypeError("planted")


def begin(database: Path, id_: str) -> None:
    """As a process leaves it that is killed."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE messages SET begun = 1, attempts = 1 WHERE id = ?", (id_,))
    connection.close()
