"""How a field or a query that may contain a credential is shown: by names only."""

import re
from collections.abc import Container
from typing import Final
from urllib.parse import unquote_plus

MASK: Final = "***"
_CREDENTIAL: Final = re.compile(
    r"auth|cookie|token|secret|passw|pwd|credential|signature|assertion|session|(?<![a-z])key|api-?key"
    r"|(?<![a-z])sig(?![a-z])|sso|referer"
)
"Names that sound like a credential, in lower case. Referer has the query of another URL."
_TELLING: Final = frozenset({"fetch", "required"})
"Values of X-CSRF-Token that are no token."
_PARAMETER: Final = re.compile(r"([^&;=]*)=([^&;]*)")


def sounds_like_credential(name: str) -> bool:
    """Whether the name of a field or parameter sounds as if its value were a credential."""
    return _CREDENTIAL.search(name.lower()) is not None


def masked_field(line: str) -> str:
    """Returns the field line with *** in place of its value."""
    return f"{line.partition(':')[0]}: {MASK}"


def shown_field(line: str, secret: Container[str] = ()) -> str:
    """Returns a field line; its value is *** if it may be a credential. `secret` are more names, in lower case."""
    name, _, value = line.partition(":")
    return line if is_shown(name, value, secret) else masked_field(line)


def is_shown(name: str, value: str, secret: Container[str] = ()) -> bool:
    """Whether the value of a field may be shown."""
    name = name.lower()
    if name == "x-csrf-token" and value.strip().lower() in _TELLING:
        return True
    return name not in secret and not sounds_like_credential(name)


def masked_query(query: str) -> str:
    """Returns a query with *** in place of the values of parameters whose names sound like a credential."""

    def shown(found: re.Match[str]) -> str:
        return f"{found[1]}={MASK}" if sounds_like_credential(unquote_plus(found[1])) else found[0]

    return _PARAMETER.sub(shown, query)
