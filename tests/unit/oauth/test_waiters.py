"""Waiting for a token."""

import asyncio
from functools import partial

import pytest

from proxy.errors import AuthorizationServerError, GrantTimeout, GrantUnavailable
from proxy.oauth.token import Moment, Token
from proxy.oauth.waiters import Waiters
from proxy.timeouts import LateCall
from tests.fakes.clock import HandClock
from tests.fakes.loop import LeapingLoop, leaping
from tests.unit.oauth.world import turns

NOW = Moment(monotonic=0.0, wall=0.0)
TOKEN = Token(authorization=b"Bearer t", obtained=NOW, fresh_until=NOW, expires=NOW)


def impatience() -> AuthorizationServerError:
    """Say why waiting ends."""
    return GrantTimeout("Too long.")


async def test_whoever_lost_patience_is_neither_served_nor_refused_again() -> None:
    """Also in the moment before it has left."""
    clock = HandClock()
    waiters = Waiters(clock.call_later)
    short = asyncio.create_task(waiters.wait(1, impatience))
    long = asyncio.create_task(waiters.wait(2, impatience))
    await turns()
    clock.advance(1)
    waiters.resolve(TOKEN)
    waiters.fail(GrantUnavailable("No."))
    await turns()
    with pytest.raises(GrantTimeout):
        await short
    assert (await long, len(waiters), clock.pauses) == (TOKEN, 0, [])


async def test_all_who_wait_are_refused() -> None:
    """With the seconds until the next try, at least one."""
    waiters = Waiters(HandClock().call_later)
    tasks = [asyncio.create_task(waiters.wait(1, impatience)) for _ in range(3)]
    await turns()
    waiters.fail(GrantUnavailable("No."))
    await turns()
    assert [repr(each.exception()) for each in tasks] == ["<GrantUnavailable 503 grant_unavailable: No.>"] * 3


def test_a_token_that_came_while_the_process_stood_still_serves_those_who_wait() -> None:
    """Their patience is over only once the event loop has read."""

    async def scenario() -> None:
        loop, waiters = leaping(), Waiters(LateCall)
        waiting = asyncio.ensure_future(waiters.wait(20, partial(GrantTimeout, "late")))
        await asyncio.sleep(0)
        loop.leap(100)
        for _ in range(5):
            await asyncio.sleep(0)
        waiters.resolve(TOKEN)
        assert await waiting is TOKEN

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())
