"""The token source when credentials change, and at its end."""

from typing import Any

import pytest
from pydantic import SecretStr

from proxy.errors import (
    Draining,
    GrantRejected,
    GrantUnavailable,
)
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import World, error_of, turns

REFUSED = GrantUnavailable("Nobody there.")


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
    world.apply(client_secret=SecretStr("new"))
    await turns()
    await world.grant()
    assert world.source.ready() is not None
    assert dict(world.endpoint.requests[1].form)["client_secret"] == "new"
    assert world.asked == 2


async def test_changed_credentials_make_one_grant_while_the_old_token_is_used() -> None:
    """Nobody waits for it."""
    world = World()
    await world.have("old")
    world.apply(client_secret=SecretStr("new"))
    token = world.source.ready()
    assert token is not None
    assert token.authorization == b"Bearer old"
    await turns()
    await world.grant("new")
    assert (await world.source.token()).authorization == b"Bearer new"
    assert world.asked == 2


@pytest.mark.parametrize("change", [{"client_id": "other"}, {"token_url": "https://other.example/t"}])
async def test_a_token_of_another_registration_is_dropped(change: dict[str, Any]) -> None:
    """It may have other rights."""
    world = World()
    await world.have("old")
    world.apply(**change)
    assert world.source.ready() is None


async def test_changed_credentials_of_a_source_that_nobody_asked_make_no_grant() -> None:
    """The first who asks uses them."""
    world = World()
    world.apply(client_secret=SecretStr("new"))
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
    world.apply(client_secret=SecretStr("new"))
    world.apply(client_secret=SecretStr("newer"))
    await turns()
    await world.grant()
    assert await waiter == b"Bearer t0ken"
    assert [dict(each.form)["client_secret"] for each in world.endpoint.requests] == ["s3cret$=-_", "newer"]
    assert world.endpoint.most_open == 1


async def test_closing_ends_the_grant_and_all_who_wait() -> None:
    """And there is no other one."""
    world = World()
    waiter = await world.wait()
    await world.source.close()
    await turns()
    expected = "OAuth client orders gets no more tokens because the proxy is stopping."
    assert error_of(waiter) == (Draining, expected, 1)
    assert world.endpoint.open == []
    with pytest.raises(Draining, match=expected):
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
    world.apply(client_secret=SecretStr("new"))
    await turns()
    assert world.asked == 1


async def test_no_log_line_and_no_repr_shows_a_secret_or_a_token() -> None:
    """Neither of a success nor of a failure whose answer echoes them."""
    world = World(registration(client_secret=SecretStr("canary-secret")))
    await world.have("canary-token")
    await world.advance(3600)
    await world.wait()
    await world.answer(401, body=b'{"error": "canary-secret", "error_description": "canary-secret"}')
    assert "canary" not in repr(world.log.all) + repr(world.source) + repr(world.source.failure)


async def test_credentials_may_change_in_the_moment_a_pause_ends() -> None:
    """The grant that was about to retry is replaced by one with the new credentials."""
    world = World()
    waiter = await world.wait()
    await world.answer(503)
    world.apply(client_secret=SecretStr("new"))
    await world.advance(1)
    await world.grant()
    assert await waiter == b"Bearer t0ken"
    assert [dict(each.form)["client_secret"] for each in world.endpoint.requests] == ["s3cret$=-_", "new"]
