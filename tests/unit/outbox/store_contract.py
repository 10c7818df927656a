"""What every store of an outbox promises, as tests. A store's test module imports them and has a fixture `store`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from proxy.errors import MessageIdReused, OutboxFull
from proxy.outbox.message import (
    DeadLetterCode,
    Expired,
    HistoryEntry,
    MessageState,
    MessageSummary,
    NewMessage,
    RouteSummary,
    StoredBody,
    TakenMessage,
)
from proxy.outbox.store import MessageBusy, MessageUnknown, OutboxStore, RouteHeld
from tests.cases import cases
from tests.fakes.clock import HandClock

NOW = 1_000_000.0
"The time on the clock of each store that is opened."
LARGE = bytes(range(256)) * 3000
"A body that is no row."
IDS = (f"m{number:08}" for number in count())

Opened = Callable[[], AbstractAsyncContextManager[OutboxStore]]
"Opens the store again, as another process does after the first has ended."


class HeldBody:
    """A body that is not in memory."""

    def __init__(self, content: bytes, piece: int = 100_000) -> None:
        self._content, self._piece = content, piece
        self.size = len(content)

    async def read(self, at: int) -> bytes:
        """A piece of it."""
        return self._content[at : at + self._piece]


def message(**changes: Any) -> NewMessage:
    """A message that is accepted now."""
    base = NewMessage(
        id=next(IDS),
        route="orders",
        sender_id=b"",
        remember=0.0,
        content_hash=b"",
        method="POST",
        target=b"/a?b=%2F",
        fields=(b"Content-Type: text/plain", b"X-One: \xff"),
        body=b"body",
        order=None,
        accepted_at=NOW,
        expires_at=NOW + 1000.0,
    )
    return replace(base, **changes)


async def accept(store: OutboxStore, **changes: Any) -> str:
    """Its id; there are no limits."""
    accepted = await store.accept(message(**changes), max_messages=1 << 40, max_bytes=1 << 40)
    assert accepted.is_new
    return accepted.id


async def take(store: OutboxStore, now: float = NOW, route: str = "orders", most: int = 100) -> Sequence[TakenMessage]:
    """What is due."""
    return await store.take(route, most=most, now=now)


async def taken(store: OutboxStore, now: float = NOW, route: str = "orders", most: int = 100) -> Sequence[str]:
    """The ids of what is taken."""
    return [each.id for each in await take(store, now, route, most)]


async def octets(body: "bytes | StoredBody") -> bytes:
    """The whole body."""
    if isinstance(body, bytes):
        return body
    content = b""
    while piece := await body.read(len(content)):
        content += piece
    assert len(content) == body.size
    return content


ENTRY = HistoryEntry(at=NOW, status=503, code="c", diagnosis="d", mpl_id="m")


@cases(
    "body",
    {"empty": b"", "small": b"body", "large": LARGE, "held-small": HeldBody(b"small"), "held-large": HeldBody(LARGE)},
)
async def test_a_message_comes_back_as_it_was_accepted(opened: Opened, body: "bytes | StoredBody") -> None:
    """Byte for byte, from the next process."""
    given = message(body=body, sender_id=b"\xffid", remember=5.0, content_hash=b"h", fields=(b"A: b", b"C:"))
    async with opened() as store:
        await store.accept(given, max_messages=1, max_bytes=1 << 30)
    async with opened() as store:
        (found,) = await take(store)
        assert await octets(found.body) == await octets(body)
        assert await octets(await store.body(given.id)) == await octets(body)
    assert found == TakenMessage(
        id=given.id,
        route="orders",
        sender_id=b"\xffid",
        method="POST",
        target=b"/a?b=%2F",
        fields=(b"A: b", b"C:"),
        body=found.body,
        accepted_at=NOW,
        expires_at=NOW + 1000,
        attempts=0,
        interrupted=False,
    )


async def test_what_is_due_longest_comes_first(store: OutboxStore) -> None:
    """Nothing comes early or twice."""
    first, second, third = [await accept(store) for _ in range(3)]
    assert await taken(store, most=2) == [first, second]
    await store.deferred(first, next_at=NOW + 10, entry=ENTRY)
    assert await taken(store) == [third]
    assert await taken(store, now=NOW + 9) == []
    assert await store.next_due("orders") == NOW + 10
    assert await taken(store, now=NOW + 10) == [first]
    assert await store.next_due("orders") is None


async def test_a_route_is_not_asked_about_another(store: OutboxStore) -> None:
    """Nor about its numbers."""
    await accept(store, route="a")
    other = await accept(store, route="b")
    assert await taken(store, route="b") == [other]
    assert await store.next_due("b") is None
    assert await store.next_due("a") == NOW


async def test_a_message_is_due_when_its_time_is_over(store: OutboxStore) -> None:
    """However late the next attempt would be."""
    id_ = await accept(store)
    await taken(store)
    await store.deferred(id_, next_at=NOW + 5000, entry=ENTRY)
    assert await store.next_due("orders") == NOW + 1000


async def test_a_delivered_message_is_gone(opened: Opened) -> None:
    """For good."""
    async with opened() as store:
        id_ = await accept(store, body=LARGE)
        await taken(store)
        await store.begin(id_, NOW)
        await store.delivered(id_)
    async with opened() as store:
        assert await store.routes() == []
        with pytest.raises(MessageUnknown, match=id_):
            await store.message(id_)
        with pytest.raises(MessageUnknown):
            await store.body(id_)
        await store.delivered(id_)  # as after an answer that was lost
        await store.deferred(id_, next_at=NOW, entry=ENTRY)
        await store.died(id_, DeadLetterCode.REFUSED, ENTRY)


async def test_an_attempt_that_was_begun_and_not_ended_is_interrupted(opened: Opened) -> None:
    """Until it has been settled."""
    async with opened() as store:
        begun, settled, given_back, untouched = [await accept(store) for _ in range(4)]
        await taken(store)
        for id_ in (begun, settled, given_back):
            await store.begin(id_, NOW)
        await store.deferred(settled, next_at=NOW, entry=ENTRY)
        await store.release(given_back)
    async with opened() as store:
        found = {each.id: (each.attempts, each.interrupted) for each in await take(store)}
    assert found == {begun: (1, True), settled: (1, False), given_back: (1, False), untouched: (0, False)}


async def test_messages_of_an_order_follow_each_other(store: OutboxStore) -> None:
    """Others go on."""
    first, second = [await accept(store, order=b"o") for _ in range(2)]
    other = await accept(store, order=b"p")
    free = await accept(store)
    assert await taken(store) == [first, other, free]
    assert await taken(store) == []
    await store.deferred(first, next_at=NOW + 10, entry=ENTRY)
    assert await taken(store) == []
    assert await taken(store, now=NOW + 10) == [first]
    await store.delivered(first)
    assert await taken(store) == [second]


async def test_orders_belong_to_their_route(store: OutboxStore) -> None:
    """Elsewhere it is another one."""
    await accept(store, order=b"o", route="a")
    other = await accept(store, order=b"o", route="b")
    assert await taken(store, route="b") == [other]


async def test_a_dead_letter_blocks_its_order_until_it_is_retried(store: OutboxStore) -> None:
    """It keeps its place."""
    first, second = [await accept(store, order=b"") for _ in range(2)]
    await taken(store)
    await store.died(first, DeadLetterCode.UNCERTAIN, ENTRY)
    assert await taken(store, now=NOW + 900) == []
    assert (await store.retry(first, NOW)).state is MessageState.WAITING
    assert await taken(store) == [first]
    await store.delivered(first)
    assert await taken(store) == [second]


async def test_a_discarded_dead_letter_blocks_no_longer(store: OutboxStore) -> None:
    """What stood behind it goes on."""
    first, second = [await accept(store, order=b"") for _ in range(2)]
    await taken(store)
    await store.died(first, DeadLetterCode.REFUSED, None)
    await store.discard(first)
    assert await taken(store) == [second]


async def test_what_a_dead_letter_blocks_does_not_age(store: OutboxStore, clock: HandClock) -> None:
    """Whether it came before or after."""
    first, second = [await accept(store, order=b"") for _ in range(2)]
    await taken(store)
    clock.advance(100)
    await store.died(first, DeadLetterCode.EXPIRED, None)
    clock.advance(5000)
    third = await accept(store, order=b"", accepted_at=clock.wall(), expires_at=clock.wall() + 1000)
    clock.advance(300)
    assert (await store.message(second)).expires_at == NOW + 1000 + 5300
    assert (await store.message(third)).expires_at == NOW + 5100 + 1000 + 300
    await store.discard(first)
    clock.advance(7)
    (found,) = await take(store, clock.wall())
    assert (found.id, found.expires_at) == (second, NOW + 1000 + 5300)
    await store.died(second, DeadLetterCode.UNCERTAIN, None)
    clock.advance(20)
    await store.retry(second, clock.wall())
    assert (await store.message(third)).expires_at == NOW + 6100 + 300 + 20


async def test_a_dead_letter_that_is_retried_has_all_of_its_time(store: OutboxStore) -> None:
    """One that waits keeps its end."""
    expired, waiting = [await accept(store) for _ in range(2)]
    await taken(store)
    await store.died(expired, DeadLetterCode.EXPIRED, None)
    await store.deferred(waiting, next_at=NOW + 500, entry=ENTRY)
    await store.retry(expired, NOW + 3000)
    await store.retry(waiting, NOW + 3)
    ends = {each.id: each.expires_at for each in await take(store, NOW + 3000)}
    assert ends == {expired: NOW + 4000, waiting: NOW + 1000}


async def look(store: OutboxStore, now: float, most: int = 100, route: str = "orders") -> Expired:
    """Have what is too old die."""
    return await store.expire(route, most=most, now=now, interrupted=DeadLetterCode.UNCERTAIN)


async def expire(store: OutboxStore, now: float, most: int = 100, route: str = "orders") -> list[str]:
    """The ids of what has died because its time is over."""
    return [each.id for each in (await look(store, now, most, route)).messages]


async def test_a_message_whose_time_is_over_dies_wherever_it_waits(opened: Opened, clock: HandClock) -> None:
    """In the next process too."""
    async with opened() as store:
        deferred = await accept(store)
        await taken(store)
        await store.begin(deferred, NOW)
        await store.deferred(deferred, next_at=NOW + 5000, entry=ENTRY)
        untried = await accept(store)
        later = await accept(store, expires_at=NOW + 3000)
        held = await accept(store, route="held")
        await store.hold("held")
        looked = await look(store, NOW + 999)
        assert looked == Expired(messages=(), is_whole=True, next_at=NOW + 1000)
    clock.advance(1000)
    async with opened() as store:
        looked = await look(store, NOW + 1000)
        told = {each.id: (each.code, each.attempts, each.accepted_at) for each in looked.messages}
        assert told == {deferred: ("expired", 1, NOW), untried: ("expired", 0, NOW)}
        assert (looked.is_whole, looked.next_at) == (True, NOW + 3000)
        assert await expire(store, NOW + 1000, route="held") == [held]
        assert await expire(store, NOW + 1000) == []
        found = (await store.message(deferred)).summary
        assert (found.state, found.code, found.next_at) == (MessageState.DEAD, "expired", None)
        assert [each.status for each in (await store.message(deferred)).history] == [503]
        assert [(each.waiting, each.dead) for each in await store.routes()] == [(0, 1), (1, 2)]
        assert await taken(store, now=NOW + 1000) == [later]


async def test_what_is_being_delivered_does_not_die_of_age(store: OutboxStore, clock: HandClock) -> None:
    """But when it waits again."""
    id_ = await accept(store)
    await taken(store)
    await store.begin(id_, NOW)
    clock.advance(10)
    assert await expire(store, NOW + 2000) == []
    await store.release(id_)
    assert await expire(store, NOW + 2000) == [id_]


async def test_a_look_finds_few_at_a_time_and_says_whether_there_are_more(store: OutboxStore, clock: HandClock) -> None:
    """Those that expired first come first."""
    ids = [await accept(store, expires_at=NOW + 100 - number) for number in range(5)]
    ids.reverse()
    clock.advance(100)
    looks = [await look(store, NOW + 100, most=2) for _ in range(3)]
    assert [each.id for look in looks for each in look.messages] == ids
    assert [(look.is_whole, look.next_at) for look in looks[1:]] == [(False, NOW + 100), (True, None)]


async def test_what_may_have_been_on_its_way_dies_with_its_own_code(opened: Opened, clock: HandClock) -> None:
    """The history says so."""
    async with opened() as store:
        begun, other = [await accept(store) for _ in range(2)]
        await taken(store)
        await store.begin(begun, NOW)
    clock.advance(1000)
    async with opened() as store:
        looked = await look(store, NOW + 1000)
        assert {each.id: each.code for each in looked.messages} == {begun: "uncertain", other: "expired"}
        assert [(each.at, each.code) for each in (await store.message(begun)).history] == [(NOW + 1000, "interrupted")]
        assert (await store.message(other)).history == ()
        await store.retry(begun, NOW + 1000)
        assert [each.interrupted for each in await take(store, NOW + 1000)] == [False]


async def test_a_message_behind_another_dies_and_blocks_what_is_behind_it(store: OutboxStore, clock: HandClock) -> None:
    """The first one ages, what stands behind the dead does not."""
    first = await accept(store, order=b"o", expires_at=NOW + 5000)
    second, third = [await accept(store, order=b"o", expires_at=NOW + 1000 + number) for number in range(2)]
    await taken(store)
    clock.advance(1600)
    assert await expire(store, clock.wall()) == [second]
    assert await expire(store, clock.wall()) == []
    ends = [(await store.message(id_)).expires_at - NOW for id_ in (first, second, third)]
    assert ends == [5000, 1000, 1601]
    clock.advance(100)
    await store.deferred(first, next_at=clock.wall() + 1e6, entry=ENTRY)
    assert await store.next_due("orders") == NOW + 5000
    assert (await store.retry(second, clock.wall())).next_at is None
    ends = [(await store.message(id_)).expires_at - NOW for id_ in (first, second, third)]
    assert ends == [5000, 1700 + 1000, 1701]
    assert await expire(store, NOW + 1701) == [third]
    clock.advance(1000)
    assert await expire(store, clock.wall()) == [second]
    assert await expire(store, NOW + 4999) == []
    assert await taken(store, now=NOW + 5000) == [first]
    await store.delivered(first)
    assert await taken(store, now=NOW + 5000) == []


async def test_two_dead_letters_of_an_order_block_each_its_own_part(store: OutboxStore, clock: HandClock) -> None:
    """What only the second blocks ages meanwhile."""
    times = (9000, 8000, 1000, 2000)
    first, second, third, fourth = [await accept(store, order=b"o", expires_at=NOW + each) for each in times]
    await taken(store)
    clock.advance(1000)
    assert await expire(store, clock.wall()) == [third]
    clock.advance(500)
    await store.died(first, DeadLetterCode.REFUSED, ENTRY)
    clock.advance(300)

    async def ends() -> list[float]:
        return [(await store.message(id_)).expires_at - NOW for id_ in (second, fourth)]

    assert await ends() == [8000 + 300, 2000 + 800]
    assert await expire(store, clock.wall()) == []
    await store.discard(first)
    clock.advance(200)
    assert await ends() == [8300, 2000 + 1000]
    assert await taken(store, now=clock.wall()) == [second]
    await store.delivered(second)
    assert await taken(store, now=clock.wall()) == []
    await store.discard(third)
    assert await ends_of(store, fourth) == 3000
    clock.advance(999)
    assert await expire(store, clock.wall()) == []
    clock.advance(1)
    assert await expire(store, clock.wall()) == [fourth]


async def ends_of(store: OutboxStore, id_: str) -> float:
    """In seconds after the beginning."""
    return (await store.message(id_)).expires_at - NOW


async def test_an_order_whose_first_message_is_too_old_loses_no_other(store: OutboxStore, clock: HandClock) -> None:
    """They are blocked from its end on."""
    ids = [await accept(store, order=b"", expires_at=NOW + 1000 + number) for number in range(3)]
    clock.advance(500_000)
    looked = await look(store, clock.wall())
    assert [each.id for each in looked.messages] == ids[:1]
    looked = await look(store, clock.wall())
    assert looked == Expired(messages=(), is_whole=True, next_at=None)
    clock.advance(500_000)
    assert [await ends_of(store, id_) for id_ in ids] == [1000, 1_000_001, 1_000_002]
    changed: list[str] = []
    store.on_change(changed.append)
    await store.discard(ids[0])
    assert changed == ["orders"]
    looked = await look(store, clock.wall())
    assert (looked.messages, looked.next_at) == ((), NOW + 1_000_001)
    assert await taken(store, now=clock.wall()) == ids[1:2]
    await store.delivered(ids[1])
    clock.advance(2)
    assert await expire(store, clock.wall()) == ids[2:]


async def test_an_expired_message_that_is_retried_may_expire_again(store: OutboxStore, clock: HandClock) -> None:
    """After all of its time."""
    id_ = await accept(store)
    clock.advance(1000)
    assert await expire(store, clock.wall()) == [id_]
    await store.retry(id_, clock.wall())
    clock.advance(999)
    assert await expire(store, clock.wall()) == []
    clock.advance(1)
    assert await expire(store, clock.wall()) == [id_]


async def test_a_held_route_delivers_nothing(opened: Opened) -> None:
    """It stays held in the next process."""
    async with opened() as store:
        await store.hold("orders")
        await accept(store)
    async with opened() as store:
        id_ = await accept(store)
        assert await taken(store) == []
        assert await store.next_due("orders") is None
        assert [each.held for each in await store.routes()] == [True]
        await store.resume("orders")
        assert (await taken(store))[1] == id_


async def test_nothing_begins_after_a_hold(store: OutboxStore) -> None:
    """What was taken goes back uncounted."""
    id_ = await accept(store)
    assert await taken(store) == [id_]
    await store.hold("orders")
    with pytest.raises(RouteHeld):
        await store.begin(id_, NOW)
    await store.release(id_)
    await store.resume("orders")
    (message,) = await take(store)
    assert (message.attempts, message.interrupted) == (0, False)


async def test_the_same_id_with_the_same_content_is_kept_once(opened: Opened) -> None:
    """The first answer is told again."""
    given: dict[str, Any] = {"sender_id": b"id", "remember": 60.0, "content_hash": b"hash", "body": LARGE}
    async with opened() as store:
        first = await accept(store, **given)
        await taken(store)
        await store.delivered(first)
    async with opened() as store:
        again = await store.accept(
            message(**given, accepted_at=NOW + 59, expires_at=NOW + 2000), max_messages=0, max_bytes=0
        )
        assert (again.id, again.accepted_at, again.expires_at, again.is_new) == (first, NOW, NOW + 1000, False)
        assert await store.routes() == []
        await accept(store, **{**given, "route": "other"})
        await accept(store, **{**given, "accepted_at": NOW + 60})


async def test_the_same_id_with_another_content_is_refused(store: OutboxStore) -> None:
    """Nothing of it is kept."""
    given: dict[str, Any] = {"sender_id": b"id", "remember": 60.0}
    await accept(store, **given, content_hash=b"one")
    with pytest.raises(MessageIdReused, match="other content"):
        await accept(store, **given, content_hash=b"two", body=LARGE)
    assert [each.waiting for each in await store.routes()] == [1]


async def test_a_discarded_message_may_be_sent_again(store: OutboxStore) -> None:
    """A later one stays remembered."""
    given: dict[str, Any] = {"sender_id": b"id", "remember": 60.0, "content_hash": b"one"}
    first = await accept(store, **given)
    await store.discard(first)
    with pytest.raises(MessageUnknown):
        await store.discard(first)
    second = await accept(store, **given)
    assert await taken(store) == [second]


@cases("max_messages, max_bytes", (2, 1 << 30), (9, 2 * message().size))
async def test_a_full_outbox_refuses_until_there_is_room(store: OutboxStore, max_messages: int, max_bytes: int) -> None:
    """Dead letters count; other routes do not."""
    first, second = [await accept(store) for _ in range(2)]
    await taken(store)
    await store.died(second, DeadLetterCode.REFUSED, None)
    with pytest.raises(OutboxFull, match="of this route") as caught:
        await store.accept(message(), max_messages=max_messages, max_bytes=max_bytes)
    assert caught.value.retry_after
    await store.accept(message(route="other"), max_messages=max_messages, max_bytes=max_bytes)
    await store.delivered(first)
    await store.accept(message(), max_messages=max_messages, max_bytes=max_bytes)


async def test_a_route_is_told_in_numbers(opened: Opened) -> None:
    """Also by the next process."""
    async with opened() as store:
        dead, delivering = [await accept(store, accepted_at=NOW + number) for number in range(2)]
        await taken(store, now=NOW + 1)
        await store.died(dead, DeadLetterCode.REFUSED, None)
        await accept(store, accepted_at=NOW + 2, order=b"")
        await accept(store, accepted_at=NOW + 3, order=b"", route="held")
        await store.hold("held")
        await store.hold("empty")
        size = message().size
        there = [
            RouteSummary(route="empty", waiting=0, delivering=0, dead=0, held=True, oldest_at=None, bytes=0),
            RouteSummary(route="held", waiting=1, delivering=0, dead=0, held=True, oldest_at=NOW + 3, bytes=size),
            RouteSummary(
                route="orders", waiting=1, delivering=1, dead=1, held=False, oldest_at=NOW + 1, bytes=3 * size
            ),
        ]
        assert await store.routes() == there
    async with opened() as store:
        assert await store.routes() == [*there[:2], replace(there[2], waiting=2, delivering=0)]
        await store.resume("empty")
        assert len(await store.routes()) == 2
        assert delivering in await taken(store, now=NOW + 1)


async def test_messages_are_listed_in_pages(store: OutboxStore) -> None:
    """In the order of acceptance."""
    ids = [await accept(store, route=route) for route in ("a", "b", "a", "b", "a", "a")]
    await taken(store, route="b")
    await store.died(ids[1], DeadLetterCode.REFUSED, None)
    await taken(store, route="a", most=1)

    async def listed(route: str | None, state: MessageState | None, limit: int = 9, after: int | None = None) -> Any:
        found = await store.messages(route=route, state=state, limit=limit, after=None if after is None else ids[after])
        return [ids.index(each.id) for each in found]

    assert await listed(None, None) == [0, 1, 2, 3, 4, 5]
    assert await listed(None, None, limit=2, after=1) == [2, 3]
    assert await listed("a", None, after=2) == [4, 5]
    assert await listed("a", MessageState.WAITING, limit=2) == [2, 4]
    assert await listed(None, MessageState.WAITING) == [2, 4, 5]
    assert await listed(None, MessageState.DELIVERING) == [0, 3]
    assert await listed("b", MessageState.DELIVERING, after=0) == [3]
    assert await listed(None, MessageState.DEAD) == [1]
    assert await listed("a", MessageState.DEAD) == []
    await store.delivered(ids[3])
    assert await listed(None, None, after=3) == [4, 5]
    await store.discard(ids[5])
    assert await listed(None, None, after=5) == []


async def test_a_page_follows_what_has_gone(store: OutboxStore) -> None:
    """By position, for the clocks of ids differ."""
    ids = [await accept(store, id=id_, route=route) for id_, route in (("z", "a"), ("m", "b"), ("x", "a"), ("a", "a"))]

    async def listed(after: str | None, limit: int, **conditions: Any) -> Sequence[MessageSummary]:
        asked = {"route": None, "state": None, **conditions}
        return await store.messages(limit=limit, after=after, **asked)

    (first,) = await listed(None, 1)
    await store.discard(first.id)
    (second,) = await listed(first.position, 1)
    await store.discard(second.id)
    assert [each.id for each in await listed(second.position, 9)] == ids[2:]
    assert [each.id for each in await listed(first.position, 9, state=MessageState.WAITING)] == ids[2:]
    assert [each.id for each in await listed(first.position, 9, route="b")] == []
    assert await listed("zz", 9) == []


async def test_one_message_is_told_with_its_history(store: OutboxStore) -> None:
    """Only the head of an order is due."""
    id_ = await accept(store, sender_id=b"id", remember=1.0, content_hash=b"h", order=b"")
    behind = await accept(store, order=b"")
    assert (await store.message(behind)).summary.next_at is None
    await taken(store)
    assert (await store.message(id_)).summary.state is MessageState.DELIVERING
    await store.begin(id_, NOW)
    await store.deferred(id_, next_at=NOW + 5, entry=ENTRY)
    details = await store.message(id_)
    assert (details.summary.next_at, details.summary.attempts, details.summary.bytes) == (NOW + 5, 1, message().size)
    assert (details.method, details.target, details.sender_id) == ("POST", b"/a?b=%2F", b"id")
    assert (details.fields, details.history) == (message().fields, (ENTRY,))
    await taken(store, now=NOW + 5)
    await store.died(id_, DeadLetterCode.FLOW_FAILED, replace(ENTRY, at=NOW + 5, status=500))
    details = await store.message(id_)
    assert (details.summary.state, details.summary.code) == (MessageState.DEAD, "flow_failed")
    assert details.summary.next_at is None
    assert [each.status for each in details.history] == [503, 500]


async def test_a_long_history_keeps_its_ends(store: OutboxStore) -> None:
    """The first, and the latest."""
    id_ = await accept(store)
    for number in range(60):
        await taken(store)
        await store.deferred(id_, next_at=NOW, entry=replace(ENTRY, status=number))
    history = [each.status for each in (await store.message(id_)).history]
    assert history == [0, *range(11, 60)]


async def test_nothing_is_decided_about_what_is_being_delivered(store: OutboxStore) -> None:
    """Until the delivery has ended."""
    id_ = await accept(store)
    await taken(store)
    for decide in (store.discard(id_), store.retry(id_, NOW)):
        with pytest.raises(MessageBusy, match=id_):
            await decide
    await store.release(id_)
    assert await taken(store) == [id_]


async def test_a_retried_message_is_due_now(store: OutboxStore) -> None:
    """Unless it stands behind another."""
    first, behind = [await accept(store, order=b"") for _ in range(2)]
    await taken(store)
    await store.deferred(first, next_at=NOW + 99, entry=ENTRY)
    await store.retry(behind, NOW + 1)
    assert await store.next_due("orders") == NOW + 99
    assert (await store.retry(first, NOW + 1)).next_at == NOW + 1
    assert await taken(store, now=NOW + 1) == [first]
    with pytest.raises(MessageUnknown):
        await store.retry("unknown", NOW)


async def test_a_route_is_named_when_something_may_be_due(store: OutboxStore) -> None:
    """Not for one behind another, or a held one."""
    changed: list[str] = []
    store.on_change(changed.append)

    async def after(change: Any) -> list[str]:
        await change
        found, changed[:] = changed.copy(), []
        return found

    first = await accept(store, order=b"")
    assert changed == ["orders"]
    changed.clear()
    assert await after(accept(store, order=b"")) == []
    await taken(store)
    assert await after(store.begin(first, NOW)) == []
    assert await after(store.delivered(first)) == ["orders"]
    (second,) = await taken(store)
    assert await after(store.died(second, DeadLetterCode.REFUSED, None)) == []
    assert await after(store.retry(second, NOW)) == ["orders"]
    assert await after(store.hold("orders")) == []
    assert await after(accept(store)) == []
    assert await after(store.resume("orders")) == ["orders"]


async def test_many_are_accepted_at_once(opened: Opened) -> None:
    """In the order of their commits."""
    async with opened() as store:
        results = await asyncio.gather(
            *(accept(store, body=b"%d" % number) for number in range(100)),
            store.retry("unknown", NOW),
            store.accept(message(route="full"), max_messages=0, max_bytes=0),
            return_exceptions=True,
        )
    assert [type(each) for each in results[100:]] == [MessageUnknown, OutboxFull]
    async with opened() as store:
        assert await taken(store) == results[:100]


async def test_an_acceptance_that_nobody_waits_for_does_no_harm(store: OutboxStore) -> None:
    """Nor does a take."""
    accepting = asyncio.ensure_future(accept(store))
    await asyncio.sleep(0)
    accepting.cancel()
    id_ = await accept(store, route="other")
    taking = asyncio.ensure_future(store.take("other", most=1, now=NOW))
    await asyncio.sleep(0)
    taking.cancel()
    while not (found := await taken(store, route="other")):
        await store.routes()
    assert found == [id_]


__all__ = [name for name in dir() if name.startswith("test_")]
