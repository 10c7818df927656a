"""The token source when credentials change, and when it is closed."""

from typing import Any

import pytest
from pydantic import SecretStr

from proxy.errors import Draining, GrantRejected, GrantTimeout, GrantUnavailable
from tests.cases import cases
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import Refusal, World, refusal_of, turns

NEW: dict[str, Any] = {"client_secret": SecretStr("new")}
TWO: dict[str, Any] = {"client_secret": SecretStr("one"), "client_secret_next": SecretStr("two")}


async def test_the_next_secret_is_tried_when_the_first_is_rejected() -> None:
    """In the same grant; the next one begins with it."""
    world = World(registration(**TWO))
    waiter = await world.rejected()
    await world.grant()
    assert await waiter == "t0ken"
    await world.advance(3600)
    await world.have()
    assert world.secrets == ["one", "two", "two"]
    assert dict(world.source.grants) == {"grant_rejected": 1, "granted": 2}


async def test_two_rejected_secrets_are_one_failed_grant() -> None:
    """The next one begins with the first; an outage tries no other."""
    world = World(registration(**TWO))
    waiter = await world.rejected()
    await world.answer(401)
    assert refusal_of(waiter).kind is GrantRejected
    await world.advance(1)
    await world.wait()
    await world.fail(GrantUnavailable("Unreachable."))
    await world.advance(0.3)
    assert world.secrets == ["one", "two", "one", "one"]


async def test_changed_credentials_end_the_pause_with_one_grant() -> None:
    """No exchange has to ask for it."""
    world = World()
    await world.rejected()
    world.apply(**NEW)
    await turns()
    await world.grant()
    assert await world.ready() == "t0ken"
    assert world.secrets[1:] == ["new"]


async def test_changed_credentials_make_one_grant_while_the_old_token_is_used() -> None:
    """Until the new one is there."""
    world = World()
    await world.have("old")
    world.apply(**NEW)
    assert await world.ready() == "old"
    await world.grant("new")
    assert await world.ready() == "new"
    assert world.asked == 2


@cases("change", {"client_id": "other"}, {"token_url": "https://other.example/t"})
async def test_a_token_of_another_id_or_server_is_dropped(change: dict[str, Any]) -> None:
    """It may have other permissions."""
    world = World()
    await world.have("old")
    world.apply(**change)
    assert await world.ready() is None


async def test_changed_credentials_of_an_unused_source_make_no_grant() -> None:
    """The first exchange uses them."""
    world = World()
    world.apply(**NEW)
    await turns()
    assert world.asked == 0
    await world.have()
    assert world.secrets == ["new"]


@cases("is_answered", True, False)
async def test_credentials_that_change_during_a_grant_start_it_again(is_answered: bool) -> None:
    """Two grants are never in flight."""
    world = World()
    waiter = await world.wait()
    if is_answered:
        world.endpoint.open[0].set_exception(GrantUnavailable("Unreachable."))
    world.apply(**NEW)
    world.apply(client_secret=SecretStr("newer"))
    await turns()
    await world.grant()
    assert await waiter == "t0ken"
    assert world.secrets == ["s3cret$=-_", "newer"]
    assert world.endpoint.most_open == 1


async def test_credentials_may_change_in_the_moment_a_pause_ends() -> None:
    """It is not retried with the old ones."""
    world = World()
    waiter = await world.wait()
    await world.answer(503)
    world.apply(**NEW)
    await world.advance(1)
    await world.grant()
    assert await waiter == "t0ken"
    assert world.secrets == ["s3cret$=-_", "new"]


async def test_closing_ends_the_grant_and_all_that_wait() -> None:
    """Closing again does nothing."""
    world = World()
    waiter = await world.wait()
    await world.source.close()
    await turns()
    text = "OAuth client orders gets no more tokens because the proxy is stopping."
    assert refusal_of(waiter) == Refusal(Draining, text, 1)
    assert world.endpoint.open == []
    with pytest.raises(Draining, match=text):
        await world.source.token()
    await world.source.close()
    assert world.asked == 1


async def test_a_closed_source_returns_a_stale_token_without_renewing_it() -> None:
    """Exchanges that drain need it."""
    world = World()
    await world.have(for_seconds=3300)
    await world.source.close()
    assert await world.ready() == "t0ken"
    world.apply(**NEW)
    await turns()
    assert world.asked == 1


async def test_no_log_line_and_no_repr_shows_a_secret_or_a_token() -> None:
    """An answer that echoes them is not quoted either."""
    world = World(registration(client_secret=SecretStr("canary-secret")))
    await world.have("canary-token", for_seconds=3600)
    await world.wait()
    await world.answer(401, body=b'{"error": "canary-secret", "error_description": "canary-secret"}')
    assert "canary" not in repr(world.log.all) + repr(world.source) + repr(world.source.failure)


async def test_a_source_with_grant_at_start_makes_its_first_grant_once() -> None:
    """A later start changes nothing."""
    world = World(registration(grant_at_start=True))
    assert world.awaits_first_grant()
    world.source.start()
    world.source.start()
    await turns()
    assert (world.asked, world.awaits_first_grant()) == (1, True)
    await world.grant()
    assert not world.awaits_first_grant()
    world.source.start()
    assert await world.ready() == "t0ken"
    assert world.asked == 1


async def test_a_first_grant_that_fails_is_not_repeated_without_an_exchange() -> None:
    """The source is usable after the pause."""
    world = World(registration(grant_at_start=True))
    world.source.start()
    await turns()
    await world.answer(401)
    assert (world.awaits_first_grant(), world.is_blocked()) == (False, True)
    await world.advance(60)
    assert (world.awaits_first_grant(), world.is_blocked(), world.asked) == (False, False, 1)


async def test_a_first_grant_is_not_retried_beyond_its_timeout_without_an_exchange() -> None:
    """It blocks the source after `timeout`, not after twice as long."""
    world = World(registration(grant_at_start=True, timeout=10))
    world.source.start()
    await turns()
    await world.advance(10)
    await world.fail(GrantTimeout("Late."))
    assert (world.awaits_first_grant(), world.is_blocked(), world.asked) == (False, True, 1)


async def test_readiness_waits_for_a_first_grant_that_exchanges_prolong_no_longer_than_its_timeout() -> None:
    """The retry goes on for the exchange, as long as that waits."""
    world = World(registration(grant_at_start=True, timeout=10))
    world.source.start()
    waiter = await world.wait()
    await world.advance(9)
    await world.fail(GrantTimeout("Late."))
    await world.advance(0.9)
    assert (world.awaits_first_grant(), world.asked) == (True, 2)
    await world.advance(0.1)
    assert not world.awaits_first_grant()
    await world.grant()
    assert await waiter == "t0ken"


async def test_other_credentials_during_the_first_grant_prolong_the_grant_for_an_exchange() -> None:
    """That waits for twice the timeout."""
    world = World(registration(grant_at_start=True, timeout=10))
    world.source.start()
    waiter = await world.wait()
    world.apply(grant_at_start=True, timeout=10)
    await turns()
    await world.advance(10)
    await world.fail(GrantTimeout("Late."))
    await world.advance(0.9)
    await world.grant()
    assert await waiter == "t0ken"


async def test_a_source_without_grant_at_start_makes_no_grant_when_it_starts() -> None:
    """The first exchange makes it."""
    world = World()
    world.source.start()
    await turns()
    assert (world.asked, world.awaits_first_grant()) == (0, False)
