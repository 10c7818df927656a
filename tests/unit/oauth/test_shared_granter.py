"""The granter that shares tokens: one grant for all replicas."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from proxy.errors import AuthorizationServerError, GrantRejected, GrantUnavailable
from proxy.oauth.shared_granter import LEASE
from proxy.oauth.token import Freshness, Moment
from tests.cases import cases
from tests.unit.oauth.registrations import XSUAA, registration
from tests.unit.oauth.shared_world import Replica, World, turns


async def test_the_second_replica_takes_over_the_token() -> None:
    """With its scopes and lifetime."""
    world = World()
    first, second = Replica(world), Replica(world)
    token = await first.token()
    world.advance(100, first, second)
    taken = await second.token()
    assert (taken.authorization, taken.scopes) == (token.authorization, ("a",))
    assert taken.obtained.monotonic == second.clock.monotonic() - 100
    assert taken.expires.monotonic - taken.obtained.monotonic == 3600
    assert (world.grants, first.progress.is_taken_over, second.progress.is_taken_over) == (1, False, True)


async def test_nothing_readable_is_in_the_row() -> None:
    """Nor in its name."""
    world = World()
    await Replica(world).token()
    assert world.row.token is not None
    content = b"".join([*world.rows, *world.row.token])
    assert not any(each in content for each in (b"token-1", b"s3cret", b"sb-1"))


@cases(
    "changes",
    {"token_url": "https://other.example/oauth/token"},
    {"client_id": "another"},
    {"client_secret": None, "client_secret_next": None},
    {"scopes": ("a",)},
    {"endpoint_params": {"resource": "b"}},
    {"token_headers": {"X-Zone": "c"}},
)
async def test_other_credentials_or_parameters_have_another_row(changes: dict[str, Any]) -> None:
    """Nor does a replica wait for the failure of another secret."""
    world = World()
    await Replica(world).token()
    await Replica(world, client=registration(XSUAA, **changes)).token()
    assert (world.grants, len(world.rows)) == (2, 2)


def holding() -> tuple[World, asyncio.Event]:
    """A world whose authorization server answers when the event is set."""
    world = World()
    world.hold = hold = asyncio.Event()
    return world, hold


async def test_replicas_that_ask_at_once_share_one_grant() -> None:
    """The others wait for its token."""
    world, hold = holding()
    waiting = [Replica(world).begin() for _ in range(4)]
    await turns()
    hold.set()
    assert {(await each).authorization for each in waiting} == {b"token-1"}
    assert world.grants == 1


def before_acquire(call: Callable[[], Awaitable[object]]) -> Callable[[str, Callable[[], object]], Any]:
    """A store whose lease is acquired after this call, whatever becomes of that."""

    async def through(operation: str, effect: Callable[[], object]) -> object:
        if operation == "acquire":
            with suppress(GrantRejected):
                await call()
        return effect()

    return through


async def test_a_token_that_was_published_between_look_and_lease_is_taken() -> None:
    """The lease is given back."""
    world = World()
    first, second = Replica(world), Replica(world)

    second.store.through = before_acquire(first.token)
    assert (await second.token()).authorization == b"token-1"
    assert (world.grants, world.row.owner) == (1, None)


async def test_a_stale_token_is_replaced_once_for_all() -> None:
    """The row has a newer token than the second replica's own."""
    world = World()
    first, second = Replica(world), Replica(world)
    await first.token()
    await second.token()
    world.advance(3400, first, second)
    assert (await first.token()).authorization == b"token-2"
    assert (await second.token()).authorization == b"token-2"
    assert world.grants == 2


async def test_a_clock_that_was_set_on_costs_no_grant() -> None:
    """The store knows that the token is fresh."""
    world = World()
    replica = Replica(world)
    await replica.token()
    replica.clock.set_wall(5000)
    token = await replica.token()
    assert token.freshness(Moment.now(replica.clock)) is Freshness.FRESH
    assert world.grants == 1


async def test_clocks_that_differ_by_minutes_do_no_harm() -> None:
    """Each counts the token's life on its own."""
    world = World()
    behind, ahead = Replica(world, wall=1.8e9 - 600), Replica(world, wall=1.8e9 + 600)
    await behind.token()
    world.advance(1000, behind, ahead)
    token = await ahead.token()
    assert token.expires.seconds_from(Moment.now(ahead.clock)) == 2600
    assert world.grants == 1


async def test_a_new_replica_uses_a_live_token_while_another_renews_it() -> None:
    """Nor does it make a grant."""
    world = World()
    first, second = Replica(world), Replica(world)
    await first.token()
    world.advance(3400, first, second)
    world.hold = asyncio.Event()
    renewing = first.begin()
    await turns()
    token = await second.token()
    assert (token.authorization, token.freshness(Moment.now(second.clock))) == (b"token-1", Freshness.STALE)
    world.hold.set()
    assert (await renewing).authorization == (await second.token()).authorization == b"token-2"


async def test_a_lease_is_extended_while_the_grant_runs_and_ends_with_its_holder() -> None:
    """Then the next one makes the grant."""
    world, hold = holding()
    holder, other = Replica(world), Replica(world)
    dying, waiting = holder.begin(), other.begin()
    for _ in range(8):
        await turns()
        world.advance(LEASE / 3, holder, other)
    await turns()
    assert world.grants == 1
    holder.store.is_available = False  # as after a kill, nothing reaches the store any more
    dying.cancel()
    await asyncio.wait([dying])
    world.advance(LEASE, other)
    await turns()
    hold.set()
    assert (await waiting).authorization == b"token-2"
    assert world.grants == 2


async def test_a_cancelled_grant_gives_its_lease_back() -> None:
    """Nobody waits for its end."""
    world, _ = holding()
    task = Replica(world).begin()
    await turns()
    assert world.row.owner is not None
    task.cancel()
    await asyncio.wait([task])
    assert world.row.owner is None


async def test_a_holder_that_stood_still_takes_the_token_that_was_published_meanwhile() -> None:
    """Its own token may be void by then."""
    world, hold = holding()
    slow, quick = Replica(world), Replica(world)
    waiting = slow.begin()
    await turns()
    world.advance(LEASE + 1, quick)
    world.hold = None
    assert (await quick.token()).authorization == b"token-2"
    hold.set()
    assert (await waiting).authorization == b"token-2"
    assert world.row.generation == 1


async def test_a_holder_whose_lease_was_taken_keeps_its_token_for_itself() -> None:
    """The other is still asking, so there is nothing better."""
    world, hold = holding()
    slow, other = Replica(world), Replica(world)
    first = slow.begin()
    await turns()
    world.advance(LEASE + 1, other)
    world.hold = second_hold = asyncio.Event()
    second = other.begin()
    await turns()
    hold.set()
    await turns()
    assert (await first).authorization == b"token-1"
    assert world.row.generation == 0
    second_hold.set()
    assert (await second).authorization == b"token-2"


async def test_a_lost_lease_is_not_extended() -> None:
    """It is not taken back."""
    world, hold = holding()
    slow, other = Replica(world), Replica(world)
    first = slow.begin()
    await turns()
    world.advance(LEASE + 1, other)
    second = other.begin()
    await turns()
    owner = world.row.owner
    for _ in range(3):
        slow.clock.advance(LEASE / 3)
        await turns()
    assert (world.row.owner, slow.store.calls["extend"]) == (owner, 1)
    hold.set()
    await asyncio.gather(first, second)


async def test_a_refused_token_is_replaced_once_for_all() -> None:
    """The second one takes over the new one."""
    world = World()
    first, second = Replica(world), Replica(world)
    refused = await first.token()
    also = await second.token()
    assert (await first.token(refused)).authorization == b"token-2"
    assert (await second.token(also)).authorization == b"token-2"
    assert world.grants == 2


async def test_a_token_that_is_granted_again_is_another_generation() -> None:
    """There is no grant for each replica."""
    world = World()
    world.text = "same"
    first, second = Replica(world), Replica(world)
    refused = await first.token()
    also = await second.token()
    await first.token(refused)
    await second.token(also)
    assert world.grants == 2


async def test_a_refused_token_is_known_after_the_options_have_changed() -> None:
    """A new granter compares the token."""
    world = World()
    refused = await Replica(world).token()
    assert (await Replica(world).token(refused)).authorization == b"token-2"


async def test_a_failed_grant_is_shared() -> None:
    """For as long as the pause lasts."""
    world = World()
    world.error = GrantRejected("refused with 401", definite=True)
    first, second = Replica(world), Replica(world)
    with pytest.raises(GrantRejected):
        await first.token()
    with pytest.raises(GrantRejected, match="refused with 401") as raised:
        await second.token()
    assert (raised.value.retry_after, raised.value.definite, world.grants) == (1, True, 1)
    world.advance(1, first, second)
    world.error = None
    assert (await second.token()).authorization == b"token-2"
    assert (world.row.failure, world.row.failures) == (None, 0)


@cases(
    "error, pauses",
    (GrantRejected("no"), [0.75, 1.5, 3.0, 6.0]),
    (GrantUnavailable("away"), [0.75, 1.5, 3.0, 3.75]),
    (GrantUnavailable("away", retry_after=30), [30.0, 30.0, 30.0, 30.0]),
)
async def test_the_shared_pause_grows(error: AuthorizationServerError, pauses: list[float]) -> None:
    """Less so if only this replica may be cut off."""
    world = World()
    world.error = error
    replica, found = Replica(world), []
    for _ in pauses:
        with pytest.raises(type(error)):
            await replica.token()
        found.append(world.row.retry_at - world.time.monotonic())
        world.advance(found[-1], replica)
    assert found == pauses


async def test_a_failure_between_look_and_lease_counts() -> None:
    """There is no second try at once."""
    world = World()
    first, second = Replica(world), Replica(world)
    world.error = GrantRejected("no")

    second.store.through = before_acquire(first.token)
    with pytest.raises(GrantRejected):
        await second.token()
    assert (world.grants, world.row.owner) == (1, None)


async def test_a_fault_of_our_own_gives_the_lease_back() -> None:
    """It is not shared."""
    world = World()
    world.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await Replica(world).token()
    assert (world.row.owner, world.row.failure) == (None, None)
