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


def timed_out() -> AuthorizationServerError:
    """Say why the wait ends."""
    return GrantTimeout("Too long.")


async def test_a_wait_that_timed_out_gets_nothing_more() -> None:
    """The token may come before its coroutine has run again."""
    clock = HandClock()
    waiters = Waiters(clock.call_later)
    short = asyncio.create_task(waiters.wait(1, timed_out))
    long = asyncio.create_task(waiters.wait(2, timed_out))
    await turns()
    clock.advance(1)
    waiters.resolve(TOKEN)
    waiters.fail(GrantUnavailable("No."))
    await turns()
    with pytest.raises(GrantTimeout):
        await short
    assert await long is TOKEN
    assert len(waiters) == 0
    assert clock.pauses == []


async def test_all_waits_fail() -> None:
    """Each error has a Retry-After of at least one second."""
    waiters = Waiters(HandClock().call_later)
    tasks = [asyncio.create_task(waiters.wait(1, timed_out)) for _ in range(3)]
    await turns()
    waiters.fail(GrantUnavailable("No."))
    await turns()
    errors = [each.exception() for each in tasks]
    assert [repr(each) for each in errors] == ["<GrantUnavailable 503 grant_unavailable: No.>"] * 3
    assert [getattr(each, "retry_after", None) for each in errors] == [1] * 3


def test_a_token_that_came_while_the_process_was_stopped_ends_the_waits() -> None:
    """A wait times out only after the event loop has read."""

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
