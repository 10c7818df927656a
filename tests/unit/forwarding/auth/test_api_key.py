"""The gate that wants an API key."""

import pytest

from proxy.errors import CredentialRefused
from proxy.forwarding.auth.api_key import ApiKeyAuthenticator
from tests.unit.forwarding.world import request


def authenticator(*keys: bytes) -> ApiKeyAuthenticator:
    """A gate with these keys."""
    made = ApiKeyAuthenticator("X-API-Key")
    made.update_keys(keys)
    return made


@pytest.mark.parametrize("key", [b"k1", b"key 2"])
async def test_each_key_lets_in(key: bytes) -> None:
    """Nobody's name is known by it; names of fields have no case."""
    assert await authenticator(b"k1", b"key 2").authenticate(request("GET /", (b"x-api-KEY", key)), "192.0.2.7") == ""


@pytest.mark.parametrize("values", [(), (b"",), (b"k",), (b"k11",), (b"\xe4",), (b"k1", b"k1")])
async def test_anything_else_is_refused(values: tuple[bytes, ...]) -> None:
    """None, a wrong one, more than one."""
    with pytest.raises(CredentialRefused, match="as X-API-Key"):
        await authenticator(b"k1").authenticate(
            request("GET /", *((b"X-API-Key", value) for value in values)), "192.0.2.7"
        )


async def test_before_there_are_keys_nobody_is_let_in() -> None:
    """An empty gate is shut."""
    with pytest.raises(CredentialRefused):
        await ApiKeyAuthenticator("X-API-Key").authenticate(request("GET /", (b"X-API-Key", b"")), "192.0.2.7")


def test_a_gate_shows_no_key() -> None:
    """In its representation."""
    assert repr(authenticator(b"k1")) == "<ApiKeyAuthenticator X-API-Key>"
