"""Scopes and roles of a token."""

from typing import Any

from proxy.cpi.roles import is_of_api, roles, scopes
from tests.cases import grouped_cases


@grouped_cases(
    "granted, expected, claimed",
    (("a", "b"), ("a", "b"), [{"scope": ["c"]}]),
    ((), ("c", "d"), [{"scope": ["c", "c", "d"]}, {"scope": "c d"}]),
    ((), (), [{"scope": ""}, {"scope": 7}, {}]),
)
def test_scopes_are_those_of_the_grant_else_those_of_the_token(
    granted: tuple[str, ...], claimed: dict[str, Any], expected: tuple[str, ...]
) -> None:
    """The claim may be a list or a space-separated text."""
    assert scopes(granted, claimed) == expected


def test_roles_are_scopes_without_their_application() -> None:
    """Scopes of the platform are not roles."""
    named = ("uaa.resource", "it-rt-tenant!b106.ESBMessaging.send", "sb-1!b2|it-rt-t!b3.Own.Role", "write")
    assert roles(named) == ("ESBMessaging.send", "Own.Role")


def test_a_client_of_plan_api_is_told_by_its_id() -> None:
    """Its service key is not for sending messages."""
    assert is_of_api("sb-1!b2|it!b3")
    assert not is_of_api("sb-1!b2|it-rt-t!b3")
    assert not is_of_api("sb-1!b2|it!b3|it-rt-t!b3")
