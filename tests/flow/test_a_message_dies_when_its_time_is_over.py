"""`max_age` makes a dead letter of a message wherever it waits, and never of one that is being delivered."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.outbox import expiry
from proxy.outbox.message import MessageState
from proxy.outbox.sqlite.schema import NAME
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, refused
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, kept, outbox_document, posted, settled, store_of
from tests.flow.running import Document, Running, Serve, until

NEVER = ["1d"]
"Retries that come too late."


@pytest.fixture
def make(upstream: Upstream, authority: AuthorizationServer, tmp_path: Path) -> Callable[..., Document]:
    """Makes a configuration whose messages may live for a minute."""

    def made(**options: object) -> Document:
        given: dict[str, object] = {"max_age": "60s", "retries": NEVER, "upstream": upstream, "authority": authority}
        given |= options
        return outbox_document(given.pop("upstream"), given.pop("authority"), tmp_path, **given)  # type: ignore[arg-type]

    return made


async def send(proxy: Running, count: int) -> list[str]:
    """Send so many messages; their ids."""
    sender = await proxy.sender()
    return [await accepted(sender, posted(b"%d" % number)) for number in range(count)]


async def died(proxy: Running, ids: list[str], clock: HandLoop) -> None:
    """They die when their time is over, not before, and it is told everywhere."""
    told: list[str] = []
    clock.advance(59)
    await settled(proxy)
    assert proxy.lines.named("message.died") == []
    stop = proxy.app.outboxes.watch(told.append)
    clock.advance(1)
    lines = await proxy.lines.reach("message.died", len(ids))
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


async def test_while_its_upstream_is_away(serve: Serve, make: Callable[..., Document], clock: HandLoop) -> None:
    """Tried or not: nothing is taken before the next probe."""
    async with Upstream() as gone:
        pass
    proxy = await serve(make(upstream=gone))
    ids = await send(proxy, 12)
    await proxy.lines.reach("message.deferred")
    await settled(proxy)
    await died(proxy, ids, clock)


async def test_while_there_is_no_token(serve: Serve, make: Callable[..., Document], clock: HandLoop) -> None:
    """The OAuth client is refused."""
    async with AuthorizationServer(refused(401, error="invalid_client")) as authority:
        proxy = await serve(make(authority=authority))
        ids = await send(proxy, 12)
        await proxy.lines.reach("message.deferred")
        await settled(proxy)
        await died(proxy, ids, clock)


async def test_while_its_route_is_held(
    serve: Serve, make: Callable[..., Document], upstream: Upstream, clock: HandLoop
) -> None:
    """A hold stops deliveries, and no clock; messages that came before it and after."""
    proxy = await serve(make())
    await store_of(proxy).hold("orders")
    ids = await send(proxy, 3)
    await settled(proxy)
    await died(proxy, ids, clock)
    assert upstream.requests == []


async def test_while_others_are_being_delivered(
    serve: Serve, make: Callable[..., Document], upstream: Upstream, clock: HandLoop
) -> None:
    """These do not die, and are delivered when the upstream answers, however late."""
    held = Held()
    upstream.script.appendleft(held)
    document = make(concurrency=1)
    document["routes"][0]["timeout"] = "10m"
    proxy = await serve(document)
    first, *others = await send(proxy, 4)
    await upstream.reach(1)
    await died(proxy, others, clock)
    clock.advance(60)
    held.go.set()
    (line,) = await proxy.lines.reach("message.delivered")
    assert (line["id"], len(proxy.lines.named("message.died")), len(upstream.requests)) == (first, 3, 1)


async def test_while_it_waits_behind_another_of_its_order(
    serve: Serve, make: Callable[..., Document], upstream: Upstream, clock: HandLoop
) -> None:
    """What stands behind it is blocked, and does not age."""
    held = Held()
    upstream.script.appendleft(held)
    document = make(order="route")
    document["routes"][0]["timeout"] = "10m"
    proxy = await serve(document)
    first, second = await send(proxy, 2)
    await upstream.reach(1)
    await died(proxy, [second], clock)
    (third,) = await send(proxy, 1)
    clock.advance(300)
    await settled(proxy)
    held.go.set()
    await proxy.lines.reach("message.delivered")
    await settled(proxy)
    found = {each.id: each.state.value for each in await kept(proxy)}
    assert found == {second: "dead", third: "waiting"}
    await store_of(proxy).discard(second)
    await proxy.lines.reach("message.delivered", 2)
    assert [line["id"] for line in proxy.lines.named("message.delivered")] == [first, third]


async def test_though_its_next_delivery_would_be_later(
    serve: Serve, make: Callable[..., Document], upstream: Upstream, clock: HandLoop
) -> None:
    """The upstream has asked for an hour."""
    upstream.script.extendleft([answer(503, b"Retry-After: 3600")] * 3)
    proxy = await serve(make(concurrency=3))
    ids = await send(proxy, 3)
    await proxy.lines.reach("message.deferred", 3)
    await died(proxy, ids, clock)
    assert len(upstream.requests) == 3


@cases("is_held", False, True)
async def test_while_no_proxy_runs(
    serve: Serve, make: Callable[..., Document], clock: HandLoop, *, is_held: bool
) -> None:
    """At the start of the next; its upstream is away, and its route may be held."""
    async with Upstream() as gone:
        pass
    first = await serve(make(upstream=gone))
    ids = await send(first, 5)
    await first.lines.reach("message.deferred")
    await settled(first)
    if is_held:
        await store_of(first).hold("orders")
    await first.stop()
    clock.leap(100)
    second = await serve(make(upstream=gone))
    lines = await second.lines.reach("message.died", 5)
    assert {line["id"]: (line["code"], line["age_seconds"]) for line in lines} == dict.fromkeys(ids, ("expired", 100))


@cases("repeatable, code", (False, "uncertain"), (True, "expired"))
async def test_what_may_have_arrived_is_told_apart(
    serve: Serve, make: Callable[..., Document], tmp_path: Path, clock: HandLoop, *, repeatable: bool, code: str
) -> None:
    """An attempt of an earlier process was begun; its route is held now."""
    first = await serve(make(repeatable=repeatable))
    await store_of(first).hold("orders")
    (id_,) = await send(first, 1)
    await first.stop()
    await asyncio.to_thread(begin, tmp_path / "store" / NAME, id_)
    clock.leap(100)
    second = await serve(make(repeatable=repeatable))
    (line,) = await second.lines.reach("message.died")
    assert (line["id"], line["code"]) == (id_, code)
    assert [each.code for each in (await store_of(second).message(id_)).history] == ["interrupted"]


async def test_a_new_message_may_be_the_first_to_die(
    serve: Serve, make: Callable[..., Document], clock: HandLoop
) -> None:
    """After a reload with a shorter `max_age`."""
    proxy = await serve(make(max_age="1d"))
    await store_of(proxy).hold("orders")
    (old,) = await send(proxy, 1)
    await settled(proxy)
    await proxy.reload(make(max_age="10s"))
    (new,) = await send(proxy, 1)
    clock.advance(10)
    (line,) = await proxy.lines.reach("message.died")
    assert line["id"] == new
    assert [each.id for each in await kept(proxy, MessageState.WAITING)] == [old]


async def test_many_die_in_small_groups(
    serve: Serve, make: Callable[..., Document], clock: HandLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once all the same; what is accepted meanwhile does not wait for the last of them."""
    monkeypatch.setattr(expiry, "MOST", 2)
    proxy = await serve(make())
    await store_of(proxy).hold("orders")
    ids = await send(proxy, 11)
    await settled(proxy)
    clock.advance(60)
    await proxy.lines.reach("message.died", 1)
    new = await accepted(await proxy.sender())
    assert len(await proxy.lines.reach("message.died", 11)) == len(ids)
    assert [each.id for each in await kept(proxy, MessageState.WAITING)] == [new]


async def test_a_store_that_fails_is_asked_again(
    serve: Serve, make: Callable[..., Document], clock: HandLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a fault of ours ends no look but one."""
    proxy = await serve(make())
    await store_of(proxy).hold("orders")
    await send(proxy, 1)
    await settled(proxy)
    with monkeypatch.context() as patch:
        patch.setattr(type(store_of(proxy)), "expire", fail)
        clock.advance(60)
        await proxy.lines.reach("dispatcher.crashed")
    await until(lambda: bool(clock.pauses))
    clock.advance(1)
    await proxy.lines.reach("message.died")


def fail(*_: object, **__: object) -> None:
    """A fault of ours."""
    raise TypeError("planted")


def begin(database: Path, id_: str) -> None:
    """Leaves a message as a process does that was killed while it sent it."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE messages SET begun = 1, attempts = 1 WHERE id = ?", (id_,))
    connection.close()
