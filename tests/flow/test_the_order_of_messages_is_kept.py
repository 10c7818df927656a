"""With `order` messages are delivered one after the other, and what is dead blocks what stands behind it."""

from proxy.outbox.message import MessageState
from tests.cases import cases
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, deferred, delivered, died, kept, posted, settled, store_of
from tests.flow.running import Orders, Running


def bodies(upstream: Upstream) -> list[bytes]:
    """What has arrived, in order."""
    return [bytes(each.body) for each in upstream.requests]


async def send_all(proxy: Running, *bodies: bytes, field: bytes = b"X-Key: a") -> list[str]:
    """One after the other; their ids."""
    sender = await proxy.sender()
    return [await accepted(sender, posted(body, field)) for body in bodies]


async def test_the_next_message_waits_for_the_one_before_it(
    outbox: Orders, upstream: Upstream, clock: HandLoop
) -> None:
    """Also for its next delivery."""
    held = Held()
    upstream.script.extendleft([held, answer(503)])
    proxy = await outbox(order="route")
    await send_all(proxy, b"1", b"2", b"3")
    await deferred(proxy)
    await settled(proxy)
    assert len(upstream.requests) == 1
    clock.advance(10)
    await upstream.reach(2)
    await settled(proxy)
    assert bodies(upstream)[0] == b"1"
    held.go.set()
    await delivered(proxy, 3)
    assert bodies(upstream) == [b"1", b"1", b"2", b"3"]


@cases("decision", "retry", "discard")
async def test_a_dead_letter_blocks_until_a_person_decides(
    outbox: Orders, upstream: Upstream, clock: HandLoop, decision: str
) -> None:
    """What stands behind it does not age."""
    upstream.script.appendleft(answer(400))
    proxy = await outbox(order="route", max_age="1h")
    first, second = await send_all(proxy, b"1", b"2")
    await died(proxy)
    clock.leap(7200)
    await settled(proxy)
    assert [(each.id, each.state) for each in await kept(proxy)] == [
        (first, MessageState.DEAD),
        (second, MessageState.WAITING),
    ]
    store = store_of(proxy)
    await (store.retry(first, clock.wall()) if decision == "retry" else store.discard(first))
    await delivered(proxy, 2 if decision == "retry" else 1)
    assert bodies(upstream) == ([b"1", b"1", b"2"] if decision == "retry" else [b"1", b"2"])
    assert await kept(proxy) == []


async def test_each_value_of_a_field_is_an_order_of_its_own(outbox: Orders, upstream: Upstream) -> None:
    """One that waits holds up no other."""
    upstream.script.appendleft(held := Held())
    proxy = await outbox(order={"field": "x-key"}, concurrency=2)
    await send_all(proxy, b"a1", b"a2")
    await upstream.reach(1)
    await send_all(proxy, b"b1", b"b2", field=b"X-KEY: b")
    await send_all(proxy, b"none", field=b"X-Other: a")
    await delivered(proxy, 3)
    assert sorted(bodies(upstream)) == [b"a1", b"b1", b"b2", b"none"]
    assert bodies(upstream).index(b"b1") < bodies(upstream).index(b"b2")
    held.go.set()
    await delivered(proxy, 5)
    assert bodies(upstream)[-1] == b"a2"


async def test_without_an_order_so_many_are_delivered_at_a_time(outbox: Orders, upstream: Upstream) -> None:
    """The next when one has ended."""
    held = [Held() for _ in range(5)]
    upstream.script.clear()
    upstream.script.extend(held)
    proxy = await outbox(concurrency=3)
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
    await delivered(proxy, 5)
