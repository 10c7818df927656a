"""The token source when somebody asks for a new token at once."""

import asyncio

import pytest

from proxy.errors import Draining, GrantRejected
from proxy.oauth.token import Token
from tests.unit.oauth.test_granter import Recording
from tests.unit.oauth.world import World, name_of, turns


async def renewing(world: World) -> "asyncio.Task[Token]":
    """A renewal that waits for the endpoint."""
    task = asyncio.ensure_future(world.source.renew())
    await turns()
    return task


async def test_a_fresh_token_is_replaced_by_one_grant() -> None:
    """Exchanges use the old token until then."""
    world = World()
    await world.have("old")
    first, second = await renewing(world), await renewing(world)
    assert await world.ready() == "old"
    assert world.asked == 2
    await world.grant("new")
    assert {name_of(await first), name_of(await second), await world.ready()} == {"new"}


async def test_the_present_token_is_named_as_unwanted() -> None:
    """So that a store that processes share does not return it."""
    world = World(wrap=Recording)
    old = await world.have("old")
    task = await renewing(world)
    await world.grant("new")
    await task
    assert isinstance(world.source._granter, Recording)
    assert world.source._granter.refused == [None, old]


async def test_the_pause_after_a_failure_does_not_hold_it_up() -> None:
    """Its own failure begins the next pause."""
    world = World()
    waiter = await world.rejected()
    await turns()
    assert world.is_blocked()
    task = await renewing(world)
    await world.answer(401)
    with pytest.raises(GrantRejected):
        await task
    assert world.source.failure is not None
    assert world.source.failure.count == 2
    task = await renewing(world)
    await world.grant("new")
    assert name_of(await task) == "new"
    assert world.asked == 3
    assert not world.is_blocked()
    assert isinstance(waiter.exception(), GrantRejected)


async def test_a_failure_keeps_the_present_token() -> None:
    """It is still valid."""
    world = World()
    await world.have("old")
    task = await renewing(world)
    await world.answer(401)
    with pytest.raises(GrantRejected):
        await task
    assert await world.ready() == "old"
    assert world.source.present is not None


async def test_a_closed_source_renews_nothing() -> None:
    """The proxy is stopping."""
    world = World()
    await world.source.close()
    with pytest.raises(Draining):
        await world.source.renew()
    assert world.asked == 0
