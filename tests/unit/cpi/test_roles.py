"""Scopes and roles that a token brings."""

from typing import Any

import pytest

from proxy.cpi.roles import roles, scopes


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
