"""The token source: one grant for all who wait, renewed in time."""

import asyncio
import gc
from collections.abc import Generator
from typing import Any

import pytest

from proxy.errors import GrantRejected, GrantTimeout
from proxy.oauth.token import Freshness, Token
from tests.unit.oauth.registrations import NEO, registration
from tests.unit.oauth.world import World, error_of, turns


async def test_no_grant_is_made_before_one_is_needed() -> None:
    """A source that nobody asked has no token, and is not blocked by that."""
    world = World()
    assert (world.source.ready(), world.source.freshness, world.source.expires) == (None, None, None)
    assert (world.asked, world.source.is_blocked, world.source.failure) == (0, False, None)


async def test_all_who_wait_share_one_grant() -> None:
    """A hundred exchanges, one token request, one token."""
    world = World()
    waiters = [await world.wait() for _ in range(100)]
    await world.grant()
    assert {await each for each in waiters} == {b"Bearer t0ken"}
    assert world.asked == 1
    assert world.log.named("token.granted") == [
        {"oauth_client": "orders", "lifetime": 3600, "seconds": 0.0, "waited": 100}
    ]


async def test_a_fresh_token_costs_nothing() -> None:
    """It is there without waiting, for whoever asks in either way."""
    world = World()
    await world.have()
    await world.advance(3299)
    token = world.source.ready()
    assert token is not None
    assert await world.source.token() is token
    assert (world.asked, world.source.freshness, world.source.expires) == (1, Freshness.FRESH, 1_800_003_600.0)


async def test_a_stale_token_is_used_and_renewed_once_in_the_background() -> None:
    """However many ask meanwhile; the new one takes its place."""
    world = World()
    await world.have("old")
    await world.advance(3300)
    for _ in range(5):
        token = world.source.ready()
        assert token is not None
        assert token.authorization == b"Bearer old"
    await turns()
    assert (world.asked, world.source.freshness) == (2, Freshness.STALE)
    await world.grant("new")
    assert (await world.source.token()).authorization == b"Bearer new"
    assert world.asked == 2


@pytest.mark.parametrize("how", ["passes", "suspended", "set_on"])
async def test_an_expired_token_is_not_used(how: str) -> None:
    """Whether time passed, or the machine slept, or the wall clock was set: all wait for a new one."""
    world = World()
    await world.have("old")
    match how:
        case "passes":
            await world.advance(3600)
        case "suspended":
            world.clock.suspend(3600)
        case _:
            world.clock.set_wall(10_000)
    assert (world.source.ready(), world.source.freshness) == (None, Freshness.EXPIRED)
    waiter = await world.wait()
    await world.grant("new")
    assert await waiter == b"Bearer new"


async def test_a_wall_clock_that_is_set_back_prolongs_nothing() -> None:
    """The monotonic clock decides then."""
    world = World()
    await world.have()
    world.clock.set_wall(-100_000)
    await world.advance(3600)
    assert world.source.ready() is None


async def test_unknown_lifetime_is_one_grant_for_many_messages() -> None:
    """Neo's `expires_in: 0` does not mean expired."""
    world = World(registration(NEO))
    await world.have(expires_in=0)
    assert all(world.source.ready() is not None for _ in range(1000))
    assert world.asked == 1


async def test_a_token_that_lives_shorter_than_the_buffer_does_not_loop() -> None:
    """It is fresh for four fifths of its life."""
    world = World()
    await world.have(expires_in=10)
    await world.advance(7.9)
    assert (world.source.ready() is not None, world.asked) == (True, 1)


async def test_a_token_that_expires_on_its_way_is_not_handed_out() -> None:
    """The sentence says what to do; nobody asks again at once."""
    world = World()
    waiter = await world.wait()
    await world.advance(5)
    await world.grant(expires_in=5)
    assert error_of(waiter)[0] is GrantTimeout
    assert "longer lifetime" in error_of(waiter)[1]
    assert (world.asked, world.source.ready()) == (1, None)


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_a_waiter_that_leaves_leaves_alone(how: str) -> None:
    """Neither the grant nor anybody else is cancelled."""
    world = World()
    if how == "cancel":
        leaving = await world.wait()
        staying = await world.wait()
        leaving.cancel()
    else:
        coroutine = world.source.token()
        coroutine.send(None)
        staying = await world.wait()
        coroutine.close()
    await turns()
    assert repr(world.source) == "<TokenSource orders: token none, granting, 1 waiting>"
    await world.grant()
    assert await staying == b"Bearer t0ken"
    assert world.asked == 1


async def test_a_grant_whose_waiters_have_all_left_serves_the_next() -> None:
    """Its token is kept."""
    world = World()
    waiter = await world.wait()
    waiter.cancel()
    await turns()
    await world.grant()
    assert world.source.ready() is not None


async def test_an_exchange_that_is_closed_after_the_failure_is_no_complaint_of_asyncio() -> None:
    """A future that failed and that nobody looked at again would be reported when it is collected."""
    world, complaints = World(), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    coroutine = world.source.token()
    coroutine.send(None)
    await turns()
    await world.answer(401)
    coroutine.close()
    gc.collect()
    assert complaints == []


async def test_waiting_needs_no_asyncio_task() -> None:
    """Driven by callbacks alone, the coroutine awaits nothing but a plain future."""
    world, results = World(), list[Token]()

    def drive(coroutine: Generator[Any, None, Token]) -> None:
        try:
            future = coroutine.send(None)
        except StopIteration as end:
            results.append(end.value)
        else:
            future._asyncio_future_blocking = False
            future.add_done_callback(lambda _: drive(coroutine))

    asyncio.get_running_loop().call_soon(drive, world.source.token().__await__())
    await turns()
    await world.grant()
    assert [each.authorization for each in results] == [b"Bearer t0ken"]


async def refused(world: World) -> Token:
    """The token that is kept, refused when it is no longer young; the grant that follows has begun."""
    await world.have("old")
    await world.advance(10)
    token = world.source.ready()
    assert token is not None
    assert world.source.invalidate(token)
    await turns()
    return token


async def test_a_refused_token_is_renewed_once() -> None:
    """However many exchanges saw it refused: one grant, and each of them waits for its token."""
    world = World()
    token = await refused(world)
    assert [world.source.invalidate(token) for _ in range(100)] == [True] * 100
    waiters = [await world.wait(token) for _ in range(100)]
    await world.grant("new")
    assert {await each for each in waiters} == {b"Bearer new"}
    assert world.source.invalidate(token)
    assert (world.asked, world.source.ready() is not None) == (2, True)


async def test_a_refused_token_stays_for_others_until_a_new_one_is_there() -> None:
    """It is stale for them, and the exchange that saw it refused does not get it again."""
    world = World()
    token = await refused(world)
    assert (world.source.ready(), world.source.ready(token), world.source.freshness) == (token, None, Freshness.STALE)
    await world.grant("new")
    new = world.source.ready()
    assert new is not None
    assert (new.authorization, world.source.ready(token), world.source.freshness) == (
        b"Bearer new",
        new,
        Freshness.FRESH,
    )


async def test_a_refused_token_outlives_a_failing_token_endpoint() -> None:
    """Others go on with it, a grant is tried again after each pause, and who saw it refused is told why."""
    world = World()
    token = await refused(world)
    await world.answer(400)
    assert (world.source.ready(), world.source.is_blocked, world.asked) == (token, False, 2)
    assert error_of(await world.wait(token))[0] is GrantRejected
    assert world.source.invalidate(token)
    await turns()
    assert world.asked == 2
    await world.advance(1)
    assert world.source.ready() is token
    await turns()
    assert world.asked == 3
    await world.advance(3600)
    assert world.source.ready() is None


async def test_a_refused_token_that_was_granted_again_is_used() -> None:
    """A server may give the same one until it expires: then the second answer is relayed."""
    world = World()
    token = await refused(world)
    waiter = await world.wait(token)
    await world.grant("old")
    assert await waiter == b"Bearer old"
    assert world.source.ready(token) is not None


async def test_a_young_token_is_kept_though_it_was_refused() -> None:
    """The next one would not be better: no loop between 401 and grant."""
    world = World()
    await world.have()
    await world.advance(9.9)
    token = world.source.ready()
    assert token is not None
    assert not world.source.invalidate(token)
    assert world.source.ready() is token


async def test_a_server_that_gives_the_same_token_again_causes_no_loop() -> None:
    """The new copy counts as young, whoever saw the old one refused."""
    world = World()
    await world.have("same")
    await world.advance(10)
    token = world.source.ready()
    assert token is not None
    assert world.source.invalidate(token)
    await turns()
    await world.grant("same")
    assert not world.source.invalidate(token)


async def test_tokens_voided_by_somebody_else_are_logged_without_a_livelock() -> None:
    """Two processes share a client: at most a grant in ten seconds, and a loud line."""
    world = World(registration(NEO))
    await world.have(expires_in=0)
    for number in range(6):
        await world.advance(10)
        token = world.source.ready()
        assert token is not None
        world.source.invalidate(token)
        world.source.invalidate(token)
        await turns()
        await world.grant(str(number), expires_in=0)
    assert [each["oauth_client"] for each in world.log.named("token.contested")] == ["orders"] * 2
    assert world.asked == 7
