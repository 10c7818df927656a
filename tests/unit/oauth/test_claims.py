"""What a token says about itself."""

import json
from base64 import urlsafe_b64encode

import pytest

from proxy.oauth.claims import claims


def jwt(payload: bytes) -> str:
    """A token with this payload; its signature is never looked at."""
    return "e30." + urlsafe_b64encode(payload).decode().rstrip("=") + ".c2ln"


def test_the_claims_of_a_jwt_are_read_without_its_signature() -> None:
    """What stands in the payload comes back, whatever the signature."""
    assert claims(jwt(json.dumps({"exp": 1, "scope": ["a"]}).encode())) == {"exp": 1, "scope": ["a"]}


@pytest.mark.parametrize("token", ["0123456789abcdef0123456789abcdef", "a.b", "a.!!.c", jwt(b"[1]"), jwt(b"\xff"), ""])
def test_a_token_that_is_no_jwt_has_no_claims(token: str) -> None:
    """Opaque and broken tokens are no error."""
    assert claims(token) == {}


def test_an_expired_token_still_says_what_it_is() -> None:
    """Nothing is verified: times, audience and issuer are for the upstream to judge."""
    said = {"exp": 1, "nbf": 2, "iat": "yesterday", "aud": "somebody", "iss": 7, "sub": 7}
    assert claims(jwt(json.dumps(said).encode())) == said
