"""A message is delivered by one replica at a time; of one that died another takes it over, by the database's time."""

import asyncio
from dataclasses import replace

import pytest

from proxy.outbox.message import DeadLetterCode, MessageState
from proxy.outbox.postgres.leases import LEASE
from proxy.outbox.postgres.store import PostgresOutbox
from proxy.outbox.postgres.waking import ALONE, LISTENING
from proxy.outbox.store import MessageBusy, TakenOver
from proxy.store.postgres.connecting import Connection
from tests.cases import cases
from tests.fakes.clock import HandClock
from tests.fakes.database_clock import DatabaseClock
from tests.unit.oauth.world import Lines
from tests.unit.outbox.postgres.conftest import Replica
from tests.unit.outbox.store_contract import ENTRY, NOW, accept, expire, look, message, take, taken

pytestmark = pytest.mark.needs("postgresql")


async def test_what_one_replica_accepts_another_delivers(replica: Replica) -> None:
    """It is told at once."""
    async with replica() as one, replica() as other:
        woken: asyncio.Queue[str] = asyncio.Queue()
        other.on_change(woken.put_nowait)
        id_ = await accept(one)
        assert await woken.get() == "orders"
        assert await taken(other) == [id_]
        assert await taken(one) == []
        assert [each.delivering for each in await one.routes()] == [1]
        with pytest.raises(MessageBusy):
            await one.discard(id_)
        await other.delivered(id_)
        assert await one.routes() == []


async def test_the_order_holds_over_all_replicas(replica: Replica) -> None:
    """Any replica decides about the dead."""
    async with replica() as one, replica() as other:
        first, second = await accept(one, order=b"o"), await accept(other, order=b"o")
        assert await taken(one) == [first]
        assert await taken(other) == []
        await one.died(first, DeadLetterCode.REFUSED, ENTRY)
        assert await taken(other) == []
        await other.discard(first)
        assert await taken(one) == [second]


async def test_a_dead_replica_is_replaced_when_its_lease_ends(replica: Replica, clock: DatabaseClock) -> None:
    """What it had begun is interrupted."""
    async with replica() as dead, replica() as other:
        begun, untouched = await accept(dead, order=b"o"), await accept(dead)
        await accept(dead, order=b"o")
        await taken(dead)
        await dead.begin(begun, NOW)
        clock.advance(LEASE - 1)
        assert await taken(other, now=clock.wall()) == []
        assert await other.next_due("orders") == NOW + LEASE
        clock.advance(1)
        found = {each.id: each.interrupted for each in await take(other, clock.wall())}
        assert found == {begun: True, untouched: False}


def test_a_dead_replica_is_replaced_within_a_minute() -> None:
    """Its lease and a look are shorter."""
    assert max(LISTENING, ALONE) + LEASE < 60


async def test_a_heartbeat_keeps_what_is_being_delivered(replica: Replica, clock: DatabaseClock) -> None:
    """However long it takes."""
    async with replica() as one, replica() as other:
        id_ = await accept(one)
        await taken(one)
        for _ in range(5):
            clock.advance(LEASE - 1)
            await one._leases.extend()
        assert await taken(other, now=clock.wall()) == []
        await one.delivered(id_)
        assert await one.routes() == []


async def test_a_lease_that_was_lost_settles_nothing(replica: Replica, clock: DatabaseClock, lines: Lines) -> None:
    """Nothing may be sent any more."""
    async with replica() as late, replica() as other:
        id_ = await accept(late)
        await taken(late)
        clock.advance(LEASE)
        assert await taken(other, now=clock.wall()) == [id_]
        with pytest.raises(TakenOver):
            await late.begin(id_, NOW)
        await late._leases.extend()
        await late.delivered(id_)
        assert (await other.message(id_)).summary.state is MessageState.DELIVERING
        await other.deferred(id_, next_at=clock.wall() + 10, entry=replace(ENTRY, at=clock.wall()))
        await late.died(id_, DeadLetterCode.REFUSED, ENTRY)
        found = await other.message(id_)
        assert (found.summary.state, found.summary.next_at) == (MessageState.WAITING, clock.wall() + 10)
        assert [each["id"] for each in lines.named("message.taken_over")] == [id_, id_]


async def test_a_replica_that_stood_still_sends_nothing(replica: Replica, clock: DatabaseClock) -> None:
    """Another may have the message; a heartbeat tells."""
    async with replica() as one:
        id_ = await accept(one)
        await taken(one)
        beginning = asyncio.create_task(one.begin(id_, NOW))
        await asyncio.sleep(0)
        clock.advance(LEASE)
        with pytest.raises(TakenOver):
            await beginning
        await one._leases.extend()
        await one.confirm(id_)
        clock.advance(LEASE)
        with pytest.raises(TakenOver):
            await one.confirm(id_)
        await one.begin(id_, NOW)
        await one.confirm(id_)


async def test_a_replica_that_stood_still_may_not_take_what_it_delivers(replica: Replica, clock: DatabaseClock) -> None:
    """Its delivery has not ended."""
    async with replica() as one:
        id_ = await accept(one)
        await taken(one)
        clock.advance(LEASE + 1)
        assert await taken(one, now=clock.wall()) == []
        assert await one.next_due("orders") is None
        await one.delivered(id_)
        assert await one.routes() == []


@cases("skew", -600.0, 600.0)
async def test_clocks_that_are_wrong_do_no_harm(replica: Replica, clock: DatabaseClock, skew: float) -> None:
    """Neither due times nor leases depend on them."""
    wrong = HandClock(wall=NOW + skew)
    async with replica(clock=wrong) as skewed, replica() as right:
        times = {"accepted_at": wrong.wall(), "expires_at": wrong.wall() + 1000}
        told = await skewed.accept(message(**times), max_messages=9, max_bytes=1 << 20)
        assert (told.accepted_at, told.expires_at) == (NOW, NOW + 1000)
        assert await taken(right) == [told.id]
        assert await taken(skewed, now=wrong.wall()) == []
        await right.deferred(told.id, next_at=NOW + 10, entry=ENTRY)
        assert await skewed.next_due("orders") == wrong.wall() + 10
        clock.advance(10)
        wrong.advance(10)
        (found,) = await take(skewed, wrong.wall())
        assert found.expires_at == wrong.wall() + 990
        assert await taken(right, now=clock.wall()) == []
        await skewed.deferred(told.id, next_at=wrong.wall() + 5, entry=replace(ENTRY, at=wrong.wall()))
        assert (await right.message(told.id)).summary.next_at == NOW + 15
        assert [each.at for each in (await right.message(told.id)).history] == [NOW, NOW + 10]


async def test_two_replicas_never_take_the_same(replica: Replica) -> None:
    """However often both ask."""
    async with replica() as one, replica() as other:
        ids = {await accept(one) for _ in range(40)}
        found: list[str] = []
        while len(found) < len(ids):
            both = await asyncio.gather(*(taken(each, most=3) for each in (one, other)))
            found += [id_ for each in both for id_ in each]
        assert sorted(found) == sorted(ids)


async def test_a_replica_that_stops_gives_back_what_it_had(replica: Replica) -> None:
    """The others are told at once."""
    async with replica() as other:
        woken: asyncio.Queue[str] = asyncio.Queue()
        async with replica() as stopping:
            id_ = await accept(stopping)
            await taken(stopping)
            other.on_change(woken.put_nowait)
        assert await woken.get() == "orders"
        assert await taken(other) == [id_]


async def test_a_look_now_and_then_finds_what_nobody_told(replica: Replica, store: PostgresOutbox) -> None:
    """For each route that is not held."""
    async with replica() as other:
        for route in ("a", "b", "held"):
            await accept(other, route=route)
        await other.hold("held")
    await store._waking.close()  # it listens no more, to what is still on its way either
    found: list[str] = []
    store.on_change(found.append)
    await store._waking.look()
    assert sorted(found) == ["a", "b"]


async def test_replicas_that_accept_at_once_keep_limits_and_order(replica: Replica) -> None:
    """None overtakes another."""
    async with replica() as one, replica() as other:
        await one.resume("orders")  # the first of a route would be serialized by its key
        results = await asyncio.gather(
            *(
                each.accept(message(order=b"o"), max_messages=30, max_bytes=1 << 30)
                for _ in range(25)
                for each in (one, other)
            ),
            return_exceptions=True,
        )
        assert sum(not isinstance(each, Exception) for each in results) == 30
        assert [each.waiting for each in await one.routes()] == [30]
        listed = [each.id for each in await one.messages(route=None, state=None, limit=99, after=None)]
        delivered = []
        for _ in range(30):
            found = [(each, id_) for each in (one, other) for id_ in await taken(each)]
            assert len(found) == 1
            await found[0][0].delivered(found[0][1])
            delivered.append(found[0][1])
        assert delivered == listed
        assert await one.routes() == []


async def test_a_message_that_another_replica_delivers_does_not_die_of_age(
    replica: Replica, clock: DatabaseClock
) -> None:
    """Before that replica is dead too."""
    async with replica() as late, replica() as other:
        begun, untouched = await accept(late), await accept(late)
        await taken(late)
        await late.begin(begun, NOW)
        clock.advance(990)
        await late._leases.extend()
        clock.advance(10)
        looked = await look(other, clock.wall())
        assert (looked.messages, looked.is_whole, looked.next_at) == ((), True, NOW + 990 + LEASE)
        clock.advance(LEASE - 10)
        assert await expire(late, clock.wall()) == []
        looked = await look(other, clock.wall())
        assert {each.id: each.code for each in looked.messages} == {begun: "uncertain", untouched: "expired"}
        with pytest.raises(TakenOver):
            await late.begin(untouched, NOW)
        await late.delivered(begun)
        await late.release(untouched)
        assert [(each.waiting, each.delivering, each.dead) for each in await other.routes()] == [(0, 0, 2)]
        await other.retry(untouched, clock.wall())
        assert await taken(other, now=clock.wall()) == [untouched]


async def test_a_message_that_has_died_is_told_by_one_replica(replica: Replica, clock: DatabaseClock) -> None:
    """However often all look."""
    async with replica() as one, replica() as other:
        ids = [await accept(one, order=b"%d" % (number % 7) if number % 2 else None) for number in range(30)]
        clock.advance(1000)
        found: list[str] = []
        while len(found) < 15 + 7:
            both = await asyncio.gather(*(expire(each, clock.wall(), most=4) for each in (one, other)))
            found += [id_ for each in both for id_ in each]
        assert len(set(found)) == len(found)
        assert set(found) <= set(ids)
        assert [(each.waiting, each.dead) for each in await one.routes()] == [(30 - 22, 22)]


@cases("skew", -600.0, 600.0)
async def test_a_wrong_clock_kills_nothing_early(replica: Replica, clock: DatabaseClock, skew: float) -> None:
    """It tells times by its own clock."""
    wrong = HandClock(wall=NOW + skew)
    async with replica(clock=wrong) as skewed, replica() as right:
        id_ = await accept(right)
        for each in (clock, wrong):
            each.advance(999)
        looked = await look(skewed, wrong.wall())
        assert (looked.messages, looked.next_at) == ((), wrong.wall() + 1)
        for each in (clock, wrong):
            each.advance(1)
        looked = await look(skewed, wrong.wall())
        assert [(each.id, each.accepted_at) for each in looked.messages] == [(id_, wrong.wall() - 1000)]


async def test_of_a_message_that_lives_nothing_is_locked(replica: Replica) -> None:
    """Nobody who accepts is waited for."""
    async with replica() as store, replica() as other:
        await accept(store)

        async def look(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute("SELECT FROM cpi_proxy_outbox_routes FOR UPDATE")
                assert await expire(store, NOW) == []

        await other._database.run(look, within=30)
