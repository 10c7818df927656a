"""The token source when grants fail: timeouts, retries and pauses."""

from typing import Any

from proxy.errors import GrantMalformed, GrantRejected, GrantTimeout, GrantUnavailable
from proxy.oauth.token import Freshness
from tests.cases import cases
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import Refusal, World, refusal_of

UNREACHABLE = GrantUnavailable("Unreachable.")


async def test_an_exchange_waits_for_twice_the_timeout() -> None:
    """The grant goes on for the others."""
    world = World(registration(timeout=10))
    first = await world.wait()
    await world.advance(15)
    second = await world.wait()
    await world.advance(5)
    assert refusal_of(first) == Refusal(
        GrantTimeout, "OAuth client orders had no token after 20 s: try again later.", 1
    )
    assert not second.done()
    await world.grant()
    assert await second == "t0ken"


async def test_an_exchange_that_times_out_during_a_retry_is_told_the_last_failure() -> None:
    """The reason is more useful than the time that has passed."""
    world = World(registration(timeout=1))
    first = await world.wait()
    await world.fail(UNREACHABLE)
    await world.advance(0.3)
    await world.advance(1.7)
    assert refusal_of(first) == Refusal(GrantUnavailable, "Unreachable.", 1)
    assert world.asked == 2


async def test_a_failure_that_may_pass_is_retried_within_the_grant() -> None:
    """Each token request is counted with its seconds."""
    told: list[tuple[str, float]] = []
    world = World(on_request=lambda outcome, seconds: told.append((outcome, seconds)))
    waiter = await world.wait()
    await world.fail(UNREACHABLE)
    await world.advance(0.3)
    await world.advance(2)
    await world.answer(503)
    await world.advance(3)
    await world.grant()
    assert await waiter == "t0ken"
    assert told == [("grant_unavailable", 0.0), ("grant_unavailable", 2.0), ("granted", 0.0)]
    assert dict(world.source.grants) == {"grant_unavailable": 2, "granted": 1}
    assert world.log.named("token.grant_failed") == []


async def test_a_definite_failure_is_not_retried_within_the_grant() -> None:
    """A corporate proxy may lock the account whose password it refuses."""
    world = World()
    waiter = await world.wait()
    await world.fail(GrantUnavailable("407", definite=True))
    assert refusal_of(waiter).detail == "407"
    assert world.asked == 1


async def test_a_429_is_retried_when_the_server_says() -> None:
    """Not before."""
    world = World()
    waiter = await world.wait()
    await world.answer(429, retry_after="7")
    await world.advance(6.9)
    assert world.asked == 1
    await world.advance(0.1)
    await world.grant()
    assert await waiter == "t0ken"


async def test_a_retry_that_no_exchange_would_wait_for_is_not_made() -> None:
    """Until then all are refused at once."""
    world = World(registration(timeout=10))
    waiter = await world.wait()
    await world.answer(429, retry_after="120")
    assert refusal_of(waiter).retry_after == 120
    await world.advance(100)
    assert refusal_of(await world.wait()).retry_after == 20
    assert world.asked == 1


async def test_retries_end_and_each_waiting_exchange_gets_an_error_of_its_own() -> None:
    """The failure is logged once."""
    world = World()
    waiters = [await world.wait() for _ in range(3)]
    for pause in (0.3, 0.6, 1.2, 0):
        await world.fail(GrantUnavailable("Unreachable."))
        await world.advance(pause)
    assert [refusal_of(each) for each in waiters] == [Refusal(GrantUnavailable, "Unreachable.", 1)] * 3
    assert len({id(each.exception()) for each in waiters}) == 3
    assert [each["waited"] for each in world.log.named("token.grant_failed")] == [3]
    assert world.is_blocked()
    assert world.asked == 4


@cases("status, body, kind", (401, b"", GrantRejected), (200, b"<html>", GrantMalformed), (302, b"", GrantMalformed))
async def test_pauses_between_grants_double_from_one_second(status: int, body: bytes, kind: Any) -> None:
    """Exchanges are refused at once meanwhile."""
    world = World()
    for count, pause in enumerate((1, 2, 4, 8, 16, 32, 60, 60), start=1):
        waiter = await world.wait()
        await world.answer(status, body=body)
        assert refusal_of(waiter)._replace(detail="") == Refusal(kind, "", pause)
        await world.advance(pause - 0.5)
        assert refusal_of(await world.wait())._replace(detail="") == Refusal(kind, "", 1)
        assert world.asked == count
        await world.advance(0.5)


async def test_the_source_is_not_blocked_when_the_pause_is_over() -> None:
    """Only an exchange starts the next grant."""
    world = World()
    await world.rejected()
    await world.advance(0.9)
    assert world.is_blocked()
    await world.advance(0.1)
    assert not world.is_blocked()
    assert world.asked == 1
    await world.rejected()
    assert world.is_blocked()


async def test_a_grant_that_succeeds_clears_the_failure() -> None:
    """The next failure is the first in a row again."""
    world = World()
    await world.rejected()
    failure = world.source.failure
    assert failure is not None
    assert failure.error.code == "grant_rejected"
    assert failure.since == 1_800_000_000.0
    await world.advance(1)
    await world.have(expires_in=10, for_seconds=10)
    assert world.source.failure is None
    assert not world.is_blocked()
    waiter = await world.rejected()
    assert refusal_of(waiter).retry_after == 1


async def test_a_pause_ends_while_the_machine_sleeps() -> None:
    """The monotonic clock stood still."""
    world = World()
    await world.wait()
    await world.answer(429, retry_after="600")
    world.clock.suspend(600)
    await world.have()


async def test_a_valid_token_is_used_through_an_outage() -> None:
    """Exchanges are refused when it has expired."""
    world = World()
    await world.have(for_seconds=3300)
    await world.ready()
    await world.answer(400)
    (line,) = world.log.named("token.grant_failed")
    assert line.pop("detail")
    assert line == {
        "oauth_client": "orders",
        "code": "grant_rejected",
        "in_a_row": 1,
        "again_in": 1.0,
        "token_valid_for": 300,
        "waited": 0,
    }
    assert await world.ready() == "t0ken"
    assert not world.is_blocked()
    assert world.asked == 2
    for seconds in (1, 298):
        await world.advance(seconds)
        assert await world.ready() == "t0ken"
        await world.answer(400)
    await world.advance(1)
    assert refusal_of(await world.wait()).kind is GrantRejected
    assert world.is_blocked()
    assert world.asked == 4
    assert repr(world.source) == "<TokenSource orders: token expired, failing, 0 waiting>"


@cases("error", RuntimeError("canary"), None)
async def test_a_grant_that_breaks_off_is_reported_by_the_class_of_its_error(error: Exception | None) -> None:
    """Its text may hold a secret; a cancelled grant is one."""
    world = World()
    waiter = await world.wait()
    if error is None:
        world.endpoint.open[0].cancel()
        await world.advance(0)
    else:
        await world.fail(error)
    kind = "CancelledError" if error is None else "RuntimeError"
    assert refusal_of(waiter) == Refusal(GrantUnavailable, f"The grant for OAuth client orders crashed ({kind}).", 1)


async def test_jitter_moves_renewal_and_pause() -> None:
    """With the largest random number."""
    world = World(random=1.0)
    await world.have(for_seconds=3359)
    assert world.source.freshness is Freshness.FRESH
    await world.advance(241)
    await world.rejected()
    assert world.source.failure is not None
    assert world.source.failure.retry_at.monotonic - world.clock.monotonic() == 0.75
