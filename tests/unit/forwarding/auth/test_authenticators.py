"""Authenticators of routes."""

import asyncio
from pathlib import Path

import pytest

from proxy.config.inbound_auth import ApiKey, Basic, InboundAuth
from proxy.forwarding.auth.api_key import ApiKeyAuthenticator
from proxy.forwarding.auth.authenticators import AuthenticatorKey, Authenticators, WatchedAuthenticator
from proxy.forwarding.auth.basic import BasicAuthenticator
from tests.fakes.passwords import bcrypt_hash
from tests.unit.oauth.world import Lines


def test_each_kind_has_its_authenticator(tmp_path: Path) -> None:
    """The file is read at once."""
    users, keys = tmp_path / "users", tmp_path / "keys"
    users.write_text(f"erp:{bcrypt_hash('x')}")
    keys.write_text("k1")
    authenticators = Authenticators(Lines())
    basic = authenticators.authenticator("a", InboundAuth(basic=Basic(users_file=users)), {})
    assert repr(basic) == "<BasicAuthenticator 1 users>"
    assert isinstance(basic, BasicAuthenticator)
    assert isinstance(
        authenticators.authenticator("b", InboundAuth(api_key=ApiKey(keys_file=keys)), {}), ApiKeyAuthenticator
    )


def test_no_kind_is_an_error() -> None:
    """The configuration refuses this."""
    with pytest.raises(ValueError, match="no kind"):
        Authenticators(Lines()).authenticator("a", InboundAuth(), {})


def test_an_invalid_file_is_an_error(tmp_path: Path) -> None:
    """It may change after the configuration was read."""
    keys = tmp_path / "keys"
    keys.write_text("# none")
    with pytest.raises(ValueError, match=r"keys contains no key"):
        Authenticators(Lines()).authenticator("a", InboundAuth(api_key=ApiKey(keys_file=keys)), {})


async def test_the_same_route_gets_the_same_authenticator(tmp_path: Path) -> None:
    """It keeps its cache until its route is gone."""
    keys = tmp_path / "keys"
    keys.write_text("k1")
    authenticators, auth, added = (
        Authenticators(Lines()),
        InboundAuth(api_key=ApiKey(keys_file=keys)),
        dict[AuthenticatorKey, WatchedAuthenticator](),
    )
    first, of_another_route = [
        await asyncio.to_thread(authenticators.authenticator, route, auth, added) for route in ("a", "b")
    ]
    assert authenticators.authenticator("a", auth, added) is first
    authenticators.adopt(added)
    authenticators.start()
    await authenticators.keep({("a", auth)})
    assert authenticators.authenticator("a", auth, {}) is first
    assert await asyncio.to_thread(authenticators.authenticator, "b", auth, {}) is not of_another_route
    await authenticators.close()
    assert await asyncio.to_thread(authenticators.authenticator, "a", auth, {}) is not first


async def test_an_authenticator_that_was_not_adopted_is_not_kept(tmp_path: Path) -> None:
    """Its reload was given up."""
    keys = tmp_path / "keys"
    keys.write_text("k1")
    authenticators, auth = Authenticators(Lines()), InboundAuth(api_key=ApiKey(keys_file=keys))
    first = await asyncio.to_thread(authenticators.authenticator, "a", auth, {})
    authenticators.start()
    assert await asyncio.to_thread(authenticators.authenticator, "a", auth, {}) is not first
    await authenticators.close()
