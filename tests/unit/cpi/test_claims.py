"""What a token says about itself, for people."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from proxy.cpi.claims import claims, roles, scopes


def jwt(payload: bytes) -> str:
    """A token with this payload; header and signature are never looked at."""
    return "e30." + urlsafe_b64encode(payload).decode().rstrip("=") + ".signature"


def test_the_claims_of_a_jwt_are_read_without_its_signature() -> None:
    """What stands in the payload comes back, whatever the signature."""
    assert claims(jwt(json.dumps({"exp": 1, "scope": ["a"]}).encode())) == {"exp": 1, "scope": ["a"]}


@pytest.mark.parametrize("token", ["0123456789abcdef0123456789abcdef", "a.b", "a.!!.c", jwt(b"[1]"), jwt(b"\xff"), ""])
def test_a_token_that_is_no_jwt_has_no_claims(token: str) -> None:
    """Opaque and broken tokens are no error."""
    assert claims(token) == {}


@pytest.mark.parametrize(
    ("granted", "claimed", "expected"),
    [
        (("a", "b"), {"scope": ["c"]}, ("a", "b")),
        ((), {"scope": ["c", "c", "d"]}, ("c", "d")),
        ((), {"scope": "c d"}, ("c", "d")),
        ((), {"scope": ""}, ()),
        ((), {"scope": 7}, ()),
        ((), {}, ()),
    ],
)
def test_scopes_are_those_of_the_grant_else_those_of_the_token(
    granted: tuple[str, ...], claimed: dict[str, Any], expected: tuple[str, ...]
) -> None:
    """The grant's answer comes first; a list and a space-separated text are both understood."""
    assert scopes(granted, claimed) == expected


def test_roles_are_scopes_without_the_application_in_front() -> None:
    """XSUAA's prefix is cut off, scopes of the platform are no roles."""
    named = ("uaa.resource", "it-rt-tenant!b106.ESBMessaging.send", "sb-1!b2|it-rt-t!b3.Own.Role", "write")
    assert roles(named) == ("ESBMessaging.send", "Own.Role")
