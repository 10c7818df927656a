"""Scopes and roles that a token brings, for people: nothing is decided by them."""

import re
from typing import Any

_QUALIFIED = re.compile(r"[^!]+![a-z]\d+(?:\|[^!]+![a-z]\d+)?\.(.+)")
"XSUAA puts the application in front of a role: `it-rt-tenant!b106.ESBMessaging.send`."


def scopes(granted: tuple[str, ...], claimed: dict[str, Any]) -> tuple[str, ...]:
    """The scopes of the grant's answer, else those of the token; each once, in order."""
    inside = claimed.get("scope", ())
    words = inside.split() if isinstance(inside, str) else inside if isinstance(inside, list) else ()
    return tuple(dict.fromkeys(granted or (str(word) for word in words)))


def roles(of: tuple[str, ...]) -> tuple[str, ...]:
    """The roles among scopes, without the application in front."""
    return tuple(found[1] for found in map(_QUALIFIED.fullmatch, of) if found)


def is_of_api(client_id: str) -> bool:
    """Whether a BTP client is of plan `api`: for the OData API, and not for sending messages."""
    return "|it!b" in client_id
