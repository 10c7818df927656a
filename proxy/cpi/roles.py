"""Scopes and roles of a token, for display only: no decision depends on them."""

import re
from typing import Any

_QUALIFIED = re.compile(r"[^!]+![a-z]\d+(?:\|[^!]+![a-z]\d+)?\.(.+)")
"XSUAA prefixes a role with its application: `it-rt-tenant!b106.ESBMessaging.send`."

_API = re.compile(r"\|it![a-z]\d+$")
"The end of such an id; that of plan `integration-flow` is `|it-rt-tenant!b106`."


def scopes(granted: tuple[str, ...], claimed: dict[str, Any]) -> tuple[str, ...]:
    """Returns the scopes of the token response, else those of the token's claims; each once, in order."""
    named = claimed.get("scope", ())
    words = named.split() if isinstance(named, str) else named if isinstance(named, list) else ()
    return tuple(dict.fromkeys(granted or (str(word) for word in words)))


def roles(named: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the roles among the scopes, without the prefix of their application."""
    return tuple(found[1] for found in map(_QUALIFIED.fullmatch, named) if found)


def is_of_api(client_id: str) -> bool:
    """Returns whether a BTP client is of plan `api`, which is for the OData API and not for sending messages."""
    return _API.search(client_id) is not None
