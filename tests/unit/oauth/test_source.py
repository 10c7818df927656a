"""The token source: one grant for all that wait, renewed in time."""

import asyncio
import gc
from collections.abc import Generator
from typing import Any

from proxy.errors import GrantRejected, GrantTimeout
from proxy.oauth.token import Freshness, Token
from tests.cases import cases
from tests.unit.oauth.registrations import NEO, registration
from tests.unit.oauth.world import World, name_of, refusal_of, turns


async def test_no_grant_is_made_before_one_is_needed() -> None:
    """The source is not blocked."""
    world = World()
    assert await world.ready() is None
    assert repr(world.source) == "<TokenSource orders: token none, idle, 0 waiting>"
    assert world.source.expires is None
    assert not world.is_blocked()
    assert world.asked == 0


async def test_all_that_wait_share_one_grant() -> None:
    """A hundred exchanges cost one token request."""
    world = World()
    waiters = [await world.wait() for _ in range(100)]
    await world.grant()
    assert {await each for each in waiters} == {"t0ken"}
    assert world.asked == 1
    assert world.log.named("token.granted") == [
        {"oauth_client": "orders", "lifetime": 3600, "seconds": 0.0, "waited": 100}
    ]


async def test_a_fresh_token_costs_nothing() -> None:
    """Both ways to ask return the same one."""
    world = World()
    token = await world.have(for_seconds=3299)
    assert world.source.ready() is token
    assert await world.source.token() is token
    assert world.source.freshness is Freshness.FRESH
    assert world.source.expires == 1_800_003_600.0
    assert world.asked == 1


async def test_a_stale_token_is_used_and_renewed_once_in_the_background() -> None:
    """Until the new one is there."""
    world = World()
    await world.have("old", for_seconds=3300)
    assert [await world.ready() for _ in range(5)] == ["old"] * 5
    assert world.source.freshness is Freshness.STALE
    await world.grant("new")
    assert await world.ready() == "new"
    assert world.asked == 2


async def test_an_expired_token_is_not_used() -> None:
    """Exchanges wait for a new one."""
    world = World()
    await world.have("old", for_seconds=3600)
    assert world.source.ready() is None
    assert world.source.freshness is Freshness.EXPIRED
    waiter = await world.wait()
    await world.grant("new")
    assert await waiter == "new"


@cases("expires_in, seconds", (0, 0), (10, 7.9))
async def test_a_token_with_a_short_or_unknown_lifetime_is_not_renewed_all_the_time(
    expires_in: float, seconds: float
) -> None:
    """Neo's `expires_in: 0`; else four fifths of a life."""
    world = World(registration(NEO))
    await world.have(expires_in=expires_in, for_seconds=seconds)
    assert all([await world.ready() == "t0ken" for _ in range(10)])
    assert world.asked == 1


async def test_a_token_that_expires_before_it_arrives_is_not_used() -> None:
    """No grant follows at once."""
    world = World()
    waiter = await world.wait()
    await world.advance(5)
    await world.grant(expires_in=5)
    assert refusal_of(waiter).kind is GrantTimeout
    assert "longer lifetime" in refusal_of(waiter).detail
    assert await world.ready() is None
    assert world.asked == 1


@cases("how", "cancel", "close")
async def test_an_exchange_that_leaves_affects_no_other(how: str) -> None:
    """The grant goes on for the exchange that stays."""
    world = World()
    coroutine = world.source.token()
    leaving = await world.wait() if how == "cancel" else coroutine.send(None)
    staying = await world.wait()
    if how == "cancel":
        leaving.cancel()
    coroutine.close()
    await turns()
    assert repr(world.source) == "<TokenSource orders: token none, granting, 1 waiting>"
    await world.grant()
    assert await staying == "t0ken"
    assert world.asked == 1


async def test_a_grant_that_no_exchange_waits_for_serves_the_next() -> None:
    """The token is kept."""
    world = World()
    (await world.wait()).cancel()
    await turns()
    await world.grant()
    assert await world.ready() == "t0ken"


async def test_an_exchange_that_is_closed_after_the_failure_is_no_complaint_of_asyncio() -> None:
    """The exception of its future counts as retrieved."""
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
    """Callbacks can drive it."""
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
    assert list(map(name_of, results)) == ["t0ken"]


async def refused(world: World) -> Token:
    """The present token, just refused when it was old enough to be renewed."""
    token = await world.have("old", for_seconds=10)
    assert await world.invalidate(token)
    return token


async def test_a_refused_token_is_renewed_once() -> None:
    """A hundred exchanges that saw it refused wait for one grant."""
    world = World()
    token = await refused(world)
    assert all([await world.invalidate(token) for _ in range(100)])
    waiters = [await world.wait(token) for _ in range(100)]
    await world.grant("new")
    assert {await each for each in waiters} == {"new"}
    assert await world.invalidate(token)
    assert await world.ready() == "new"
    assert world.asked == 2


async def test_a_refused_token_stays_for_others_until_a_new_one_is_there() -> None:
    """The exchange that saw it refused does not get it again."""
    world = World()
    token = await refused(world)
    assert "token stale" in repr(world.source)
    assert await world.ready() == "old"
    assert await world.ready(token) is None
    await world.grant("new")
    assert "token fresh" in repr(world.source)
    assert await world.ready() == await world.ready(token) == "new"


async def test_a_refused_token_outlives_a_failing_token_endpoint() -> None:
    """A grant is tried after each pause."""
    world = World()
    token = await refused(world)
    await world.answer(400)
    assert await world.ready() == "old"
    assert not world.is_blocked()
    assert refusal_of(await world.wait(token)).kind is GrantRejected
    assert await world.invalidate(token)
    assert world.asked == 2
    await world.advance(1)
    assert await world.ready() == "old"
    assert world.asked == 3
    await world.advance(3600)
    assert await world.ready() is None


async def test_a_refused_token_that_is_granted_again_is_used() -> None:
    """Its second refusal is relayed."""
    world = World()
    token = await refused(world)
    waiter = await world.wait(token)
    await world.grant("old")
    assert await waiter == "old"
    assert await world.ready(token) == "old"
    assert not await world.invalidate(token)


async def test_a_young_token_is_kept_although_it_was_refused() -> None:
    """The next one would not be better."""
    world = World()
    token = await world.have(for_seconds=9.9)
    assert not await world.invalidate(token)
    assert await world.ready(token) == "t0ken"
    assert world.asked == 1


async def test_tokens_voided_by_another_process_are_reported_without_a_loop() -> None:
    """At most one grant in ten seconds."""
    world = World(registration(NEO))
    token = await world.have(expires_in=0)
    for number in range(6):
        await world.advance(10)
        await world.invalidate(token)
        await world.invalidate(token)
        await world.grant(str(number), expires_in=0)
        assert world.source._token is not None
        token = world.source._token
    assert [each["oauth_client"] for each in world.log.named("token.contested")] == ["orders"] * 2
    assert world.asked == 7
