"""The token source when grants fail: patience, retries and pauses."""

from typing import Any

import pytest

from proxy.errors import (
    GrantMalformed,
    GrantRejected,
    GrantTimeout,
    GrantUnavailable,
)
from proxy.oauth.token import Freshness
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import World, error_of, turns

REFUSED = GrantUnavailable("Nobody there.")


async def test_patience_ends_after_twice_the_timeout() -> None:
    """Each waits for its own; the grant goes on, and its token is there for the next."""
    world = World(registration(timeout=10))
    first = await world.wait()
    await world.advance(15)
    second = await world.wait()
    await world.advance(5)
    assert error_of(first) == (
        GrantTimeout,
        "OAuth client orders had no token after 20 s: try again later.",
        1,
    )
    assert not second.done()
    await world.grant()
    assert await second == b"Bearer t0ken"


async def test_patience_that_ends_during_a_retry_tells_the_last_failure() -> None:
    """What is known is more than that it took long."""
    world = World(registration(timeout=1))
    first = await world.wait()
    await world.fail(REFUSED)
    await world.advance(0.3)
    await world.advance(1.7)
    assert error_of(first) == (GrantUnavailable, "Nobody there.", 1)
    assert world.asked == 2


async def test_a_passing_failure_is_retried_inside_the_grant() -> None:
    """The waiter never hears of it; each token request is counted."""
    world = World()
    waiter = await world.wait()
    await world.fail(REFUSED)
    await world.advance(0.3)
    await world.answer(503)
    await world.advance(3)
    await world.grant()
    assert await waiter == b"Bearer t0ken"
    assert dict(world.source.grants) == {"grant_unavailable": 2, "granted": 1}
    assert world.log.named("token.grant_failed") == []


async def test_what_is_refused_for_good_is_not_retried_inside_the_grant() -> None:
    """A corporate proxy may lock the account whose password it refuses."""
    world = World()
    waiter = await world.wait()
    await world.fail(GrantUnavailable("407", definite=True))
    with pytest.raises(GrantUnavailable, match="407"):
        await waiter
    assert world.asked == 1


async def test_a_429_is_retried_when_the_server_says() -> None:
    """And not before."""
    world = World()
    waiter = await world.wait()
    await world.answer(429, retry_after="7")
    await world.advance(6.9)
    assert world.asked == 1
    await world.advance(0.1)
    await world.grant()
    assert await waiter == b"Bearer t0ken"


async def test_a_retry_that_nobody_would_wait_for_is_not_made() -> None:
    """The waiter is told when to come back, and until then all are refused at once."""
    world = World(registration(timeout=10))
    waiter = await world.wait()
    await world.answer(429, retry_after="120")
    assert error_of(waiter)[::2] == (GrantUnavailable, 120)
    await world.advance(100)
    with pytest.raises(GrantUnavailable) as caught:
        await world.source.token()
    assert (caught.value.retry_after, world.asked) == (20, 1)


async def test_retries_end_and_all_waiters_are_told_the_same_once() -> None:
    """Three retries, then a pause; each has an error of its own."""
    world = World()
    waiters = [await world.wait() for _ in range(3)]
    for pause in (0.3, 0.6, 1.2, 0):
        await world.fail(GrantUnavailable("Nobody there."))
        await world.advance(pause)
    assert [error_of(each) for each in waiters] == [(GrantUnavailable, "Nobody there.", 1)] * 3
    assert len({id(each.exception()) for each in waiters}) == 3
    assert (world.asked, world.source.is_blocked) == (4, True)
    assert [each["waited"] for each in world.log.named("token.grant_failed")] == [3]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(401, b"", GrantRejected), (200, b"<html>", GrantMalformed), (302, b"", GrantMalformed)],
)
async def test_a_refusal_is_remembered_for_one_second_then_doubling(status: int, body: bytes, kind: Any) -> None:
    """During the pause nobody asks; after it one does."""
    world = World()
    for count, pause in enumerate((1, 2, 4, 8, 16, 32, 60, 60), start=1):
        waiter = await world.wait()
        await world.answer(status, body=body)
        assert error_of(waiter)[::2] == (kind, pause)
        await world.advance(pause - 0.5)
        with pytest.raises(kind) as caught:
            await world.source.token()
        assert (caught.value.retry_after, world.asked) == (1, count)
        await world.advance(0.5)


async def test_nobody_is_blocked_when_the_pause_is_over() -> None:
    """Whoever looks before sending anybody would wait for ever, for only somebody who asks starts the next grant."""
    world = World()
    await world.wait()
    await world.answer(401)
    await world.advance(0.9)
    assert (world.asked, world.source.is_blocked) == (1, True)
    await world.advance(0.1)
    assert (world.asked, world.source.is_blocked) == (1, False)
    await world.wait()
    await world.answer(401)
    assert (world.asked, world.source.is_blocked) == (2, True)


async def test_a_grant_that_succeeds_ends_the_row_of_failures() -> None:
    """The next failure is the first again."""
    world = World()
    waiter = await world.wait()
    await world.answer(401)
    failure = world.source.failure
    assert failure is not None
    assert (waiter.done(), failure.error.code, failure.since) == (True, "grant_rejected", 1_800_000_000.0)
    await world.advance(1)
    await world.have(expires_in=10)
    assert (world.source.failure, world.source.is_blocked) == (None, False)
    await world.advance(10)
    waiter = await world.wait()
    await world.answer(401)
    assert error_of(waiter)[2] == 1


async def test_a_pause_ends_with_sleep() -> None:
    """A laptop that wakes up asks at once, though its monotonic clock stood still."""
    world = World()
    await world.wait()
    await world.answer(429, retry_after="600")
    world.clock.suspend(600)
    waiter = await world.wait()
    await world.grant()
    assert await waiter == b"Bearer t0ken"


async def test_a_valid_token_is_used_through_an_outage() -> None:
    """Renewal fails, with pauses; the token is used until its last second, then all are refused."""
    world = World()
    await world.have()
    await world.advance(3300)
    assert world.source.ready() is not None
    await turns()
    await world.answer(400)
    (line,) = world.log.named("token.grant_failed")
    assert (line["code"], line["in_a_row"], line["again_in"], line["token_valid_for"], line["waited"]) == (
        "grant_rejected",
        1,
        1.0,
        300,
        0,
    )
    assert world.source.ready() is not None
    await turns()
    assert (world.asked, world.source.is_blocked) == (2, False)
    await world.advance(1)
    assert world.source.ready() is not None
    await turns()
    await world.answer(400)
    await world.advance(298)
    assert (await world.source.token()).authorization == b"Bearer t0ken"
    await turns()
    await world.answer(400)
    await world.advance(1)
    with pytest.raises(GrantRejected):
        await world.source.token()
    assert (world.asked, world.source.is_blocked) == (4, True)
    assert repr(world.source) == "<TokenSource orders: token expired, failing, 0 waiting>"


async def test_a_fault_of_ours_forgets_nobody_and_shows_only_its_class() -> None:
    """Whatever ends a grant, all who wait hear of it."""
    world = World()
    waiter = await world.wait()
    world.endpoint.open[0].set_exception(RuntimeError("canary"))
    await turns()
    assert error_of(waiter) == (
        GrantUnavailable,
        "The grant for OAuth client orders broke off (RuntimeError).",
        1,
    )


async def test_a_grant_that_somebody_cancels_forgets_nobody() -> None:
    """It counts as broken off."""
    world = World()
    waiter = await world.wait()
    world.endpoint.open[0].cancel()
    await turns()
    assert error_of(waiter)[1] == "The grant for OAuth client orders broke off (CancelledError)."


async def test_each_token_request_is_told_with_its_seconds() -> None:
    """For the metrics."""
    told: list[tuple[str, float]] = []
    world = World(on_request=lambda outcome, seconds: told.append((outcome, seconds)))
    await world.wait()
    await world.advance(2)
    await world.answer(503)
    await world.advance(1)
    await world.grant()
    assert told == [("grant_unavailable", 2.0), ("granted", 0.0)]


async def test_jitter_moves_renewal_and_pause() -> None:
    """With the other end of chance."""
    world = World(random=1.0)
    await world.have()
    await world.advance(3359)
    assert world.source.freshness is Freshness.FRESH
    await world.advance(241)
    await world.wait()
    await world.answer(401)
    assert world.source.failure is not None
    assert world.source.failure.retry_at.monotonic - world.clock.monotonic() == 0.75
