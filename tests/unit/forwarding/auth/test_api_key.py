"""API keys."""

import pytest

from proxy.errors import CredentialRefused
from proxy.forwarding.auth.api_key import ApiKeyAuthenticator
from tests.cases import cases
from tests.unit.forwarding.world import request


def authenticator(*keys: bytes) -> ApiKeyAuthenticator:
    """Makes an authenticator with these keys."""
    made = ApiKeyAuthenticator("X-API-Key")
    made.update_keys(keys)
    return made


@cases("key", b"k1", b"key 2")
async def test_each_key_is_accepted(key: bytes) -> None:
    """A key has no name."""
    assert await authenticator(b"k1", b"key 2").authenticate(request("GET /", (b"x-api-KEY", key)), "192.0.2.7") == ""


@cases("values", (), (b"",), (b"k",), (b"k11",), (b"\xe4",), (b"k1", b"k1"))
async def test_anything_else_is_refused(values: tuple[bytes, ...]) -> None:
    """It may be missing, wrong or repeated."""
    with pytest.raises(CredentialRefused, match="as X-API-Key"):
        await authenticator(b"k1").authenticate(
            request("GET /", *((b"X-API-Key", value) for value in values)), "192.0.2.7"
        )


async def test_before_there_are_keys_everyone_is_refused() -> None:
    """Not even an empty key is accepted."""
    with pytest.raises(CredentialRefused):
        await ApiKeyAuthenticator("X-API-Key").authenticate(request("GET /", (b"X-API-Key", b"")), "192.0.2.7")


def test_a_repr_shows_no_key() -> None:
    """The repr has the field name."""
    assert repr(authenticator(b"k1")) == "<ApiKeyAuthenticator X-API-Key>"
