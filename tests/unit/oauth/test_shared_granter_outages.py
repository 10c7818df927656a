"""The granter that shares tokens, without its store or without the right keys."""

import asyncio
from collections.abc import Callable

import pytest

from proxy.errors import GrantRejected
from proxy.oauth.shared_granter import LEASE
from proxy.oauth.token import Token
from proxy.store.keys import KeyMissing, ValueForged
from proxy.store.tokens import Sealed, StoreUnreachable
from tests.cases import cases
from tests.fakes.token_store import OTHER_KEY, MemoryTokenStore, keys
from tests.unit.oauth.registrations import NEO
from tests.unit.oauth.shared_world import Replica, World, failing, pass_time, turns


@cases("operation", "name_of", "look", "acquire", "publish")
async def test_without_a_store_each_replica_makes_its_own_grant(operation: str) -> None:
    """With one token request."""
    world = World()
    replica = Replica(world)
    if operation == "name_of":
        replica.store.is_available = False
    else:
        replica.store.through = failing(operation)
    assert (await replica.token()).authorization == b"token-1"
    assert world.grants == 1
    assert not replica.progress.is_taken_over


async def test_a_store_that_fails_under_the_lease_gives_it_back_and_goes_alone() -> None:
    """The second look fails, and there is one grant all the same."""
    world = World()
    replica, looks = Replica(world), iter("yn")

    async def through(operation: str, effect: Callable[[], object]) -> object:
        if operation == "look" and next(looks) == "n":
            raise StoreUnreachable("away")
        return effect()

    replica.store.through = through
    await replica.token()
    assert (world.grants, world.row.owner) == (1, None)


async def test_a_failure_that_cannot_be_shared_is_raised_all_the_same() -> None:
    """The store fails while the failure is published."""
    world = World()
    world.error = GrantRejected("no")
    replica = Replica(world)
    replica.store.through = failing("publish_failure")
    with pytest.raises(GrantRejected):
        await replica.token()


async def test_a_lease_that_cannot_be_extended_is_tried_again() -> None:
    """The store was away for a moment."""
    world = World()
    world.hold = asyncio.Event()
    replica = Replica(world)
    task = replica.begin()
    await turns()
    replica.store.through = failing("extend")
    world.advance(LEASE / 3, replica)
    await turns()
    replica.store.through = MemoryTokenStore(world.time).through
    world.advance(LEASE / 3, replica)
    await turns()
    assert world.row.lease_until == world.time.monotonic() + LEASE
    world.hold.set()
    await task


async def test_a_replica_that_has_just_started_can_do_without_the_store() -> None:
    """It has looked before. That token is good for one time, if it was not refused."""
    world = World(NEO)
    await Replica(world).token()
    second = Replica(world)
    await second.granter.prefetch()
    second.store.is_available = False
    token = await second.token()
    assert (token.authorization, world.grants, second.progress.is_taken_over) == (b"token-1", 1, True)
    waiting = second.begin(token)
    await turns()
    await pass_time(world, second, 7.5)
    assert (await waiting).authorization == b"token-2"


async def test_a_start_without_a_store_prefetches_nothing() -> None:
    """There is a grant when a token is needed."""
    world = World()
    replica = Replica(world)
    replica.store.is_available = False
    await replica.granter.prefetch()
    assert (await replica.token()).authorization == b"token-1"


async def voiding() -> tuple[World, Replica, Token]:
    """A replica of a Neo client that has a token, and whose store is away."""
    world = World(NEO)
    replica = Replica(world)
    token = await replica.token()
    replica.store.is_available = False
    return world, replica, token


async def test_a_grant_that_voids_tokens_waits_while_the_store_is_away() -> None:
    """Until the stale token expires."""
    world, replica, _ = await voiding()
    world.advance(3400, replica)
    renewing = replica.begin()
    await turns()
    await pass_time(world, replica, 100)
    assert (world.grants, renewing.done()) == (1, False)
    await pass_time(world, replica, 101)
    assert (await renewing).authorization == b"token-2"


async def test_a_grant_that_voids_tokens_goes_on_when_the_store_is_there_again() -> None:
    """By the protocol: another replica's token is taken over."""
    world, replica, _ = await voiding()
    other = Replica(world)
    world.advance(3400, replica, other)
    renewing = replica.begin()
    await turns()
    await other.token()
    replica.store.is_available = True
    await pass_time(world, replica, 0.25)
    assert (await renewing).authorization == b"token-2"
    assert world.grants == 2


@cases("how", "refused at the beginning", "refused while it waits")
async def test_a_refused_token_is_replaced_after_a_respite(how: str) -> None:
    """Else replicas would void each other's tokens in turn."""
    world, replica, token = await voiding()
    if how == "refused at the beginning":
        renewing = replica.begin(token)
    else:
        world.advance(3400, replica)
        renewing = replica.begin()
        await turns()
        replica.progress.extend(20)  # as an exchange does that waits
    await turns()
    await pass_time(world, replica, 7.25)
    assert (world.grants, renewing.done()) == (1, False)
    await pass_time(world, replica, 0.25)
    assert (await renewing).authorization == b"token-2"


async def test_the_respite_does_not_begin_again_while_the_store_comes_and_goes() -> None:
    """Else the grant would be put off for ever."""
    world, replica, token = await voiding()
    replica.store.through = failing("look")
    renewing = replica.begin(token)
    for _ in range(31):
        replica.store.is_available = True
        await pass_time(world, replica, 0.25)
    assert (await renewing).authorization == b"token-2"


async def test_a_token_of_an_outage_stays_with_its_replica() -> None:
    """It is not published afterwards: others may have later ones. When it is renewed, the replica shares again."""
    world = World()
    alone, other = Replica(world), Replica(world)
    alone.store.is_available = False
    assert (await alone.token()).authorization == b"token-1"
    alone.store.is_available = True
    assert world.rows == {}
    assert (await other.token()).authorization == b"token-2"
    world.advance(3400, alone, other)
    assert (await other.token()).authorization == b"token-3"
    assert (await alone.token()).authorization == b"token-3"
    assert (world.grants, world.row.generation) == (3, 2)


async def test_after_an_outage_replicas_that_void_each_others_tokens_agree_again() -> None:
    """The token of the outage has voided the shared one: one grant more, and all have the same again."""
    world, alone, shared = await voiding()
    other = Replica(world)
    other.store.is_available = True
    assert await other.token() == shared
    renewing = alone.begin(shared)
    await turns()
    await pass_time(world, alone, 7.5)
    own = await renewing
    alone.store.is_available = True
    assert (own.authorization, world.row.generation) == (b"token-2", 1)
    third = await other.token(shared)
    assert (third.authorization, world.row.generation) == (b"token-3", 2)
    assert (await alone.token(own)).authorization == b"token-3"
    assert world.grants == 3


async def test_a_first_token_of_a_voiding_client_does_not_wait() -> None:
    """Nothing is at hand."""
    world = World(NEO)
    replica = Replica(world)
    replica.store.is_available = False
    assert (await replica.token()).authorization == b"token-1"


async def test_a_replica_with_a_foreign_key_goes_alone_and_says_so() -> None:
    """It leaves the row as it is."""
    world = World()
    first, foreign = Replica(world), Replica(world)
    foreign.keys = keys(OTHER_KEY)
    await first.token()
    assert (await foreign.token()).authorization == b"token-2"
    assert [type(each) for each in foreign.rejected] == [KeyMissing]
    assert world.row.generation == 1


async def test_a_foreign_key_of_a_voiding_client_waits_for_another_key() -> None:
    """The replica shares again then."""
    world = World(NEO)
    first, foreign = Replica(world), Replica(world)
    await first.token()
    await foreign.token()
    world.advance(3400, first, foreign)
    await first.token()
    foreign.keys = keys(OTHER_KEY)
    renewing = foreign.begin()
    await turns()
    await pass_time(world, foreign, 1)
    assert not renewing.done()
    foreign.keys = keys()
    await pass_time(world, foreign, 0.25)
    assert (await renewing).authorization == b"token-2"
    assert world.grants == 2


@cases("field", "token", "failure")
async def test_a_value_that_was_tampered_with_is_replaced(field: str) -> None:
    """It is reported, and a grant is made."""
    world = World()
    replica = Replica(world)
    await replica.token()
    world.row.token = None
    world.row.retry_at = world.time.monotonic() + 60
    setattr(world.row, field, Sealed(keys().current_id, bytes(60)))
    assert (await replica.token()).authorization == b"token-2"
    assert {type(each) for each in replica.rejected} == {ValueForged}


async def test_a_value_is_worth_nothing_in_another_row() -> None:
    """Its name and the generation are authenticated."""
    world = World()
    await Replica(world).token()
    world.row.generation = 2
    replica = Replica(world)
    assert (await replica.token()).authorization == b"token-2"
    assert {type(each) for each in replica.rejected} == {ValueForged}
