"""The claims of a token."""

import json
from base64 import urlsafe_b64encode

from proxy.oauth.claims import claims
from tests.cases import cases


def jwt(payload: bytes) -> str:
    """A token with this payload and no valid signature."""
    return "e30." + urlsafe_b64encode(payload).decode().rstrip("=") + ".c2ln"


def test_the_claims_of_a_jwt_are_read() -> None:
    """The signature is not verified."""
    assert claims(jwt(json.dumps({"exp": 1, "scope": ["a"]}).encode())) == {"exp": 1, "scope": ["a"]}


@cases("token", "0123456789abcdef0123456789abcdef", "a.b", "a.!!.c", jwt(b"[1]"), jwt(b"\xff"), "")
def test_a_token_that_is_not_a_jwt_has_no_claims(token: str) -> None:
    """Opaque and broken tokens are not an error."""
    assert claims(token) == {}


def test_the_claims_of_an_expired_token_are_read() -> None:
    """Times, audience and issuer are not verified."""
    said = {"exp": 1, "nbf": 2, "iat": "yesterday", "aud": "somebody", "iss": 7, "sub": 7}
    assert claims(jwt(json.dumps(said).encode())) == said
