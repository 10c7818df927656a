"""The gates of routes, made of files."""

import asyncio
from pathlib import Path

import pytest

from proxy.config.inbound_auth import ApiKey, Basic, InboundAuth
from proxy.forwarding.auth.api_key import ApiKeyAuthenticator
from proxy.forwarding.auth.authenticators import Authenticators, Key, Made
from proxy.forwarding.auth.basic import BasicAuthenticator
from tests.fakes.passwords import bcrypt_hash
from tests.unit.oauth.world import Lines


class Log(Lines):
    """With all levels."""

    debug = error = Lines.info


def test_each_kind_has_its_gate(tmp_path: Path) -> None:
    """What stands in the file holds at once."""
    users, keys = tmp_path / "users", tmp_path / "keys"
    users.write_text(f"erp:{bcrypt_hash('x')}")
    keys.write_text("k1")
    gates = Authenticators(Log())
    basic = gates.gate("a", InboundAuth(basic=Basic(users_file=users)), {})
    assert repr(basic) == "<BasicGate 1 users>"
    assert isinstance(basic, BasicAuthenticator)
    assert isinstance(gates.gate("b", InboundAuth(api_key=ApiKey(keys_file=keys)), {}), ApiKeyAuthenticator)


def test_no_kind_is_no_gate() -> None:
    """What the configuration refuses would otherwise let everybody in."""
    with pytest.raises(ValueError, match="no kind"):
        Authenticators(Log()).gate("a", InboundAuth(), {})


def test_a_file_that_has_gone_wrong_is_told(tmp_path: Path) -> None:
    """Between the reading of the configuration and the start."""
    keys = tmp_path / "keys"
    keys.write_text("# none")
    with pytest.raises(ValueError, match=r"keys holds no key"):
        Authenticators(Log()).gate("a", InboundAuth(api_key=ApiKey(keys_file=keys)), {})


async def test_a_gate_that_is_asked_for_again_is_the_same(tmp_path: Path) -> None:
    """With what it remembers, until it is not wanted any more."""
    keys = tmp_path / "keys"
    keys.write_text("k1")
    gates, auth, added = Authenticators(Log()), InboundAuth(api_key=ApiKey(keys_file=keys)), dict[Key, Made]()
    first, of_another_route = [await asyncio.to_thread(gates.gate, route, auth, added) for route in ("a", "b")]
    assert gates.gate("a", auth, added) is first
    gates.adopt(added)
    gates.start()
    await gates.keep({("a", auth)})
    assert gates.gate("a", auth, {}) is first
    assert await asyncio.to_thread(gates.gate, "b", auth, {}) is not of_another_route
    await gates.close()
    assert await asyncio.to_thread(gates.gate, "a", auth, {}) is not first


async def test_a_gate_that_was_not_adopted_is_not_kept(tmp_path: Path) -> None:
    """As of a reload that was given up."""
    keys = tmp_path / "keys"
    keys.write_text("k1")
    gates, auth = Authenticators(Log()), InboundAuth(api_key=ApiKey(keys_file=keys))
    first = await asyncio.to_thread(gates.gate, "a", auth, {})
    gates.start()
    assert await asyncio.to_thread(gates.gate, "a", auth, {}) is not first
    await gates.close()
