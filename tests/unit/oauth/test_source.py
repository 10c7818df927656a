"""The token source: one grant for all, renewed in time, never a storm."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from proxy.clock import SystemClock
from proxy.config.model import AuthMethod
from proxy.errors import (
    AuthorizationServerError,
    GrantMalformed,
    GrantRejected,
    GrantTimeout,
    GrantUnavailable,
)
from proxy.oauth.endpoint import TokenEndpoint
from proxy.oauth.source import token_source
from proxy.oauth.token import Freshness, Token
from tests.fakes.authorization_server import AuthorizationServer, Fault, granted
from tests.unit.oauth.registrations import NEO, registration
from tests.unit.oauth.world import Lines, World, turns

REFUSED = GrantUnavailable("Nobody there.")


def error_of(task: "asyncio.Task[bytes]") -> tuple[type, str, int | None]:
    """Return what a waiter was told."""
    error = task.exception()
    assert isinstance(error, AuthorizationServerError)
    return type(error), error.detail, error.retry_after


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


async def test_a_refused_token_is_forgotten_once() -> None:
    """However many exchanges saw it refused: one grant, and all may ask again."""
    world = World()
    await world.have("old")
    await world.advance(10)
    token = world.source.ready()
    assert token is not None
    assert [world.source.invalidate(token) for _ in range(100)] == [True] * 100
    waiters = [await world.wait() for _ in range(100)]
    await world.grant("new")
    assert {await each for each in waiters} == {b"Bearer new"}
    assert world.source.invalidate(token)
    assert (world.asked, world.source.ready() is not None) == (2, True)


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
    await world.have("same")
    assert not world.source.invalidate(token)


async def test_tokens_voided_by_somebody_else_are_logged_without_a_livelock() -> None:
    """Two processes share a client: at most a grant in ten seconds, and a loud line."""
    world = World(registration(NEO))
    for number in range(6):
        await world.have(str(number), expires_in=0)
        await world.advance(10)
        token = world.source.ready()
        assert token is not None
        world.source.invalidate(token)
        world.source.invalidate(token)
    assert [each["oauth_client"] for each in world.log.named("token.contested")] == ["orders"] * 2
    assert world.asked == 6


async def test_the_coming_secret_is_tried_when_the_first_is_rejected_and_then_kept() -> None:
    """In one grant, without a pause; the next grant begins with the one that worked."""
    world = World(registration(client_secret=SecretStr("one"), client_secret_next=SecretStr("two")))
    waiter = await world.wait()
    await world.answer(401)
    await world.grant()
    assert await waiter == b"Bearer t0ken"
    await world.advance(3600)
    await world.have()
    assert [dict(each.form)["client_secret"] for each in world.endpoint.requests] == ["one", "two", "two"]
    assert dict(world.source.grants) == {"grant_rejected": 1, "granted": 2}


async def test_two_rejected_secrets_are_one_failed_grant() -> None:
    """And the first is the first to be tried again; an outage is no reason to try the other."""
    world = World(registration(client_secret=SecretStr("one"), client_secret_next=SecretStr("two")))
    waiter = await world.wait()
    await world.answer(401)
    await world.answer(401)
    assert error_of(waiter)[0] is GrantRejected
    await world.advance(1)
    await world.wait()
    await world.fail(REFUSED)
    await world.advance(0.3)
    assert [dict(each.form)["client_secret"] for each in world.endpoint.requests] == ["one", "two", "one", "one"]


async def test_changed_credentials_end_the_pause_at_once() -> None:
    """One grant is made without anybody asking."""
    world = World()
    await world.wait()
    await world.answer(401)
    world.source.credentials_changed(registration(client_secret=SecretStr("new")))
    await turns()
    await world.grant()
    assert world.source.ready() is not None
    assert dict(world.endpoint.requests[1].form)["client_secret"] == "new"
    assert world.asked == 2


async def test_changed_credentials_make_one_grant_while_the_old_token_is_used() -> None:
    """Nobody waits for it."""
    world = World()
    await world.have("old")
    world.source.credentials_changed(registration(client_secret=SecretStr("new")))
    token = world.source.ready()
    assert token is not None
    assert token.authorization == b"Bearer old"
    await turns()
    await world.grant("new")
    assert (await world.source.token()).authorization == b"Bearer new"
    assert world.asked == 2


@pytest.mark.parametrize("change", [{"client_id": "other"}, {"token_url": "https://other.example/t"}])
async def test_a_token_of_another_registration_is_dropped(change: dict[str, str]) -> None:
    """It may have other rights."""
    world = World()
    await world.have("old")
    world.source.credentials_changed(registration(**change))
    assert world.source.ready() is None


async def test_changed_credentials_of_a_source_that_nobody_asked_make_no_grant() -> None:
    """The first who asks uses them."""
    world = World()
    world.source.credentials_changed(registration(client_secret=SecretStr("new")))
    await turns()
    assert world.asked == 0
    await world.have()
    assert dict(world.endpoint.requests[0].form)["client_secret"] == "new"


@pytest.mark.parametrize("is_answered", [True, False])
async def test_credentials_that_change_during_a_grant_start_it_anew_for_all_who_wait(is_answered: bool) -> None:  # noqa: FBT001
    """What the old credentials led to is not used; two grants are never in flight."""
    world = World()
    waiter = await world.wait()
    if is_answered:
        world.endpoint.open[0].set_exception(REFUSED)
    world.source.credentials_changed(registration(client_secret=SecretStr("new")))
    world.source.credentials_changed(registration(client_secret=SecretStr("newer")))
    await turns()
    await world.grant()
    assert await waiter == b"Bearer t0ken"
    assert [dict(each.form)["client_secret"] for each in world.endpoint.requests] == ["s3cret$=-_", "newer"]
    assert world.endpoint.most_open == 1


async def test_credentials_that_cannot_be_used_change_nothing() -> None:
    """The source goes on as before."""
    world = World()
    await world.have()
    with pytest.raises(ValueError, match="needs client_secret"):
        world.source.credentials_changed(registration(client_secret=None))
    assert world.source.ready() is not None


async def test_closing_ends_the_grant_and_all_who_wait() -> None:
    """And there is no other one."""
    world = World()
    waiter = await world.wait()
    await world.source.close()
    await turns()
    expected = "OAuth client orders makes no more grants: the proxy is stopping."
    assert error_of(waiter) == (GrantUnavailable, expected, 1)
    assert world.endpoint.open == []
    with pytest.raises(GrantUnavailable, match=expected):
        await world.source.token()
    await world.source.close()
    assert world.asked == 1


async def test_a_closed_source_still_lends_a_stale_token_without_renewing_it() -> None:
    """Exchanges that drain need it."""
    world = World()
    await world.have()
    await world.advance(3300)
    await world.source.close()
    assert world.source.ready() is not None
    world.source.credentials_changed(registration(client_secret=SecretStr("new")))
    await turns()
    assert world.asked == 1


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


async def test_no_log_line_and_no_repr_shows_a_secret_or_a_token() -> None:
    """Neither of a success nor of a failure whose answer echoes them."""
    world = World(registration(client_secret=SecretStr("canary-secret")))
    await world.have("canary-token")
    await world.advance(3600)
    await world.wait()
    await world.answer(401, body=b'{"error": "canary-secret", "error_description": "canary-secret"}')
    assert "canary" not in repr(world.log.all) + repr(world.source) + repr(world.source.failure)


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
    assert world.source.failure.over.monotonic - world.clock.monotonic() == 0.75


async def test_with_production_seams_it_gets_a_token_from_a_real_server(tmp_path: Path) -> None:
    """Endpoint, loop timer, system clock; the secret comes from its file."""
    (tmp_path / "secret").write_text("fr0m file+\n")
    async with AuthorizationServer(granted("real")) as server, TokenEndpoint(environ={}) as endpoint:
        client = registration(token_url=server.url, client_secret=None, client_secret_file=tmp_path / "secret")
        source = await asyncio.to_thread(token_source, client, endpoint, SystemClock(), Lines())
        assert (await source.token()).authorization == b"Bearer real"
        await source.close()
    assert server.requests[0].form["client_secret"] == "fr0m file+"


async def test_a_real_server_that_is_failing_is_asked_again(tmp_path: Path) -> None:
    """A key on disk signs; the hung-up connection is retried on the loop's own timer."""
    pem = _p256_pem()
    (tmp_path / "key.pem").write_text(pem)
    async with AuthorizationServer(Fault.HANG_UP, granted("real")) as server, TokenEndpoint(environ={}) as endpoint:
        client = registration(
            token_url=server.url,
            token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
            private_key_file=tmp_path / "key.pem",
        )
        source = await asyncio.to_thread(token_source, client, endpoint, SystemClock(), Lines())
        assert (await source.token()).authorization == b"Bearer real"
        await source.close()
    assertions = [each.form["client_assertion"] for each in server.requests]
    assert len(set(assertions)) == 2


def test_importing_the_source_loads_neither_aiohttp_nor_cryptography() -> None:
    """Start-up time is for the network."""
    probe = "import sys, proxy.oauth.source; print(*({'aiohttp', 'jwt', 'cryptography'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def _p256_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
