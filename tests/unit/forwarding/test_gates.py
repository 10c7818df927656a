"""The gates of routes, made of files."""

from pathlib import Path

import pytest

from proxy.config.inbound_auth import ApiKey, Basic, InboundAuth
from proxy.forwarding.api_key import ApiKeyGate
from proxy.forwarding.basic import BasicGate
from proxy.forwarding.gates import Gates
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
    gates = Gates(Log())
    basic = gates.gate("a", InboundAuth(basic=Basic(users_file=users)))
    assert repr(basic) == "<BasicGate 1 users>"
    assert isinstance(basic, BasicGate)
    assert isinstance(gates.gate("b", InboundAuth(api_key=ApiKey(keys_file=keys))), ApiKeyGate)


def test_no_kind_is_no_gate() -> None:
    """What the configuration refuses would otherwise let everybody in."""
    with pytest.raises(ValueError, match="no kind"):
        Gates(Log()).gate("a", InboundAuth())


def test_a_file_that_has_gone_wrong_is_told(tmp_path: Path) -> None:
    """Between the reading of the configuration and the start."""
    keys = tmp_path / "keys"
    keys.write_text("# none")
    with pytest.raises(ValueError, match=r"keys holds no key"):
        Gates(Log()).gate("a", InboundAuth(api_key=ApiKey(keys_file=keys)))
