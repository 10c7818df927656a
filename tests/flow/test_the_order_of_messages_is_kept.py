"""With `order` messages are delivered one after the other, and what is dead blocks what stands behind it."""

from pathlib import Path

from proxy.outbox.message import MessageState
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, kept, outbox_document, posted, settled, store_of
from tests.flow.running import Running, Serve


def bodies(upstream: Upstream) -> list[bytes]:
    """What has arrived, in order."""
    return [bytes(each.body) for each in upstream.requests]


async def send_all(proxy: Running, *bodies: bytes, field: bytes = b"X-Key: a") -> list[str]:
    """Send messages one after the other; their ids."""
    sender = await proxy.sender()
    return [await accepted(sender, posted(body, field)) for body in bodies]


async def test_the_next_message_waits_for_the_one_before_it(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """Also while that one waits for its next delivery."""
    held = Held()
    upstream.script.extendleft([held, answer(503)])
    proxy = await serve(outbox_document(upstream, authority, tmp_path, order="route"))
    await send_all(proxy, b"1", b"2", b"3")
    await proxy.lines.reach("message.deferred")
    await settled(proxy)
    assert len(upstream.requests) == 1
    clock.advance(10)
    await upstream.reach(2)
    await settled(proxy)
    assert bodies(upstream)[0] == b"1"
    held.go.set()
    await proxy.lines.reach("message.delivered", 3)
    assert bodies(upstream) == [b"1", b"1", b"2", b"3"]


@cases("decision", "retry", "discard")
async def test_a_dead_letter_blocks_until_a_person_decides(
    serve: Serve,
    upstream: Upstream,
    authority: AuthorizationServer,
    tmp_path: Path,
    clock: HandLoop,
    decision: str,
) -> None:
    """What stands behind it does not age."""
    upstream.script.appendleft(answer(400))
    proxy = await serve(outbox_document(upstream, authority, tmp_path, order="route", max_age="1h"))
    first, second = await send_all(proxy, b"1", b"2")
    await proxy.lines.reach("message.died")
    clock.leap(7200)
    await settled(proxy)
    assert [(each.id, each.state) for each in await kept(proxy)] == [
        (first, MessageState.DEAD),
        (second, MessageState.WAITING),
    ]
    store = store_of(proxy)
    await (store.retry(first, clock.wall()) if decision == "retry" else store.discard(first))
    await proxy.lines.reach("message.delivered", 2 if decision == "retry" else 1)
    assert bodies(upstream) == ([b"1", b"1", b"2"] if decision == "retry" else [b"1", b"2"])
    assert await kept(proxy) == []


async def test_each_value_of_a_field_is_an_order_of_its_own(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """One that waits holds up no other, nor messages without the field."""
    held = Held()
    upstream.script.appendleft(held)
    proxy = await serve(outbox_document(upstream, authority, tmp_path, order={"field": "x-key"}, concurrency=2))
    await send_all(proxy, b"a1", b"a2")
    await upstream.reach(1)
    await send_all(proxy, b"b1", b"b2", field=b"X-KEY: b")
    await send_all(proxy, b"none", field=b"X-Other: a")
    await proxy.lines.reach("message.delivered", 3)
    assert sorted(bodies(upstream)) == [b"a1", b"b1", b"b2", b"none"]
    assert bodies(upstream).index(b"b1") < bodies(upstream).index(b"b2")
    held.go.set()
    await proxy.lines.reach("message.delivered", 5)
    assert bodies(upstream)[-1] == b"a2"


async def test_without_an_order_so_many_are_delivered_at_a_time(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """No more than `concurrency`, and the next when one has ended."""
    held = [Held() for _ in range(5)]
    upstream.script.clear()
    upstream.script.extend(held)
    proxy = await serve(outbox_document(upstream, authority, tmp_path, concurrency=3))
    await send_all(proxy, b"1", b"2", b"3", b"4", b"5")
    await upstream.reach(3)
    await settled(proxy)
    assert len(upstream.requests) == 3
    held[1].go.set()
    await upstream.reach(4)
    await settled(proxy)
    assert len(upstream.requests) == 4
    for each in held:
        each.go.set()
    await proxy.lines.reach("message.delivered", 5)


async def test_a_message_expires_where_it_waits(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """It is a dead letter then, without another delivery; a person may have it delivered all the same."""
    upstream.script.appendleft(answer(503, b"Retry-After: 3600"))
    proxy = await serve(outbox_document(upstream, authority, tmp_path, max_age="10m"))
    (message_id,) = await send_all(proxy, b"1")
    await proxy.lines.reach("message.deferred")
    clock.leap(599)
    await settled(proxy)
    assert [each.state for each in await kept(proxy)] == [MessageState.WAITING]
    clock.leap(1)
    (line,) = await proxy.lines.reach("message.died")
    assert (line["code"], line["attempts"], line["age_seconds"]) == ("expired", 1, 600)
    assert len(upstream.requests) == 1
    await store_of(proxy).retry(message_id, clock.wall())
    await proxy.lines.reach("message.delivered")
