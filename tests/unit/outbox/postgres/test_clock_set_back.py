"""The database's clock was set back, as after a failover to a machine whose clock is wrong."""

import pytest

from proxy.outbox.postgres.leases import LEASE
from tests.fakes.database_clock import DatabaseClock
from tests.unit.outbox.postgres.conftest import Replica
from tests.unit.outbox.store_contract import ENTRY, NOW, accept, take, taken

pytestmark = pytest.mark.needs("postgresql")

HOUR = 3600.0


async def test_what_a_dead_replica_had_is_taken_over_all_the_same(replica: Replica, clock: DatabaseClock) -> None:
    """In the usual time, not an hour later."""
    async with replica() as dead, replica() as other:
        id_ = await accept(dead)
        await taken(dead)
        clock.skew = -HOUR
        clock.advance(1)
        await other._waking.look()
        clock.advance(LEASE - 1)
        assert await taken(other, now=clock.wall()) == []
        clock.advance(1)
        assert await taken(other, now=clock.wall()) == [id_]


async def test_what_is_being_delivered_stays_with_its_replica(replica: Replica, clock: DatabaseClock) -> None:
    """By its heartbeats."""
    async with replica() as one, replica() as other:
        id_ = await accept(one)
        await taken(one)
        clock.skew = -HOUR
        for _ in range(5):
            clock.advance(LEASE / 3)
            await one._leases.extend()
            await other._waking.look()
            assert await taken(other, now=clock.wall()) == []
        await one.delivered(id_)
        assert await one.routes() == []


async def test_what_waits_is_due_so_much_later(replica: Replica, clock: DatabaseClock) -> None:
    """A person can make it due now."""
    async with replica() as one, replica() as other:
        deferred, waiting = [await accept(one) for _ in range(2)]
        await taken(one, most=1)
        await one.deferred(deferred, next_at=NOW + 10, entry=ENTRY)
        clock.skew = -HOUR
        clock.advance(10)
        assert await taken(other, now=clock.wall()) == []
        new = await accept(one, accepted_at=clock.wall(), expires_at=clock.wall() + 1000)
        assert await taken(other, now=clock.wall()) == [new]
        await other.retry(waiting, clock.wall())
        assert await taken(other, now=clock.wall()) == [waiting]
        for id_ in (new, waiting):
            await other.delivered(id_)
        clock.advance(HOUR)
        assert await taken(one, now=clock.wall()) == [deferred]


async def test_a_clock_that_was_set_forward_ends_leases(replica: Replica, clock: DatabaseClock) -> None:
    """As if all replicas had died."""
    async with replica() as one, replica() as other:
        id_ = await accept(one)
        await taken(one)
        await one.begin(id_, NOW)
        clock.skew = LEASE
        clock.advance(0)
        (found,) = await take(other, clock.wall())
        assert (found.id, found.interrupted) == (id_, True)
        await one.delivered(id_)
        assert [each.delivering for each in await other.routes()] == [1]
