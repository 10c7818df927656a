"""What a token says about itself, for people: claims and roles. Nothing is verified, and nothing is decided by it."""

import json
import re
from base64 import urlsafe_b64decode
from typing import Any

_QUALIFIED = re.compile(r"[^!]+![a-z]\d+(?:\|[^!]+![a-z]\d+)?\.(.+)")
"XSUAA puts the application in front of a role: `it-rt-tenant!b106.ESBMessaging.send`."


def claims(access_token: str) -> dict[str, Any]:
    """The claims of a JWT (RFC 7519 §3), without its signature; nothing for any other token."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def scopes(granted: tuple[str, ...], claimed: dict[str, Any]) -> tuple[str, ...]:
    """The scopes of the grant's answer, else those of the token; each once, in order."""
    inside = claimed.get("scope", ())
    words = inside.split() if isinstance(inside, str) else inside if isinstance(inside, list) else ()
    return tuple(dict.fromkeys(granted or (str(word) for word in words)))


def roles(of: tuple[str, ...]) -> tuple[str, ...]:
    """The roles among scopes, without the application in front."""
    return tuple(found[1] for found in map(_QUALIFIED.fullmatch, of) if found)
