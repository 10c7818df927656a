"""The upstream's cookies at the sender under a name of ours, and back: no state, and no other cookie goes through.

A sender's own cookies (logon tickets among them) never leave the house; a cookie of one route never reaches another.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TICKET = b"mysapsso2"
"A logon ticket, which somebody who knows the prefix may have put behind it."
_SEPARATOR = re.compile(rb'[\s,"]')
"What separates cookies in older grammars (RFC 2109 §4.4), or at lax servers."
_ANOTHER = re.compile(rb'(?:[\s,]|(?<=.)")[^\s,"=]+\s*=')
"The name of another cookie in a value, which may begin with a quote."


@dataclass(slots=True, kw_only=True, eq=False)
class CookieRules:
    """How one route renames cookies."""

    prefix: bytes
    route_path: bytes
    "The route's prefix of paths; `/` for the root."
    upstream_path: bytes
    "What that prefix stands for at the upstream; `/` for the root."

    def to_upstream(self, values: Iterable[bytes]) -> bytes:
        """The value of the one Cookie field that goes on, or nothing."""
        pairs = (pair.strip(b" \t") for value in values for pair in value.split(b";"))
        ours = (pair.removeprefix(self.prefix) for pair in pairs if pair.startswith(self.prefix))
        return b"; ".join(pair for pair in ours if is_one_cookie(pair))

    def to_sender(self, value: bytes, *, secure: bool) -> bytes:
        """The value of a Set-Cookie field as the sender gets it; name and value byte for byte behind the prefix.

        `secure` is whether the sender came over TLS, so that Secure may stay.
        """
        pair, *attributes = value.split(b";")
        kept = [self.prefix + pair.strip(b" \t")]
        for attribute in attributes:
            key, _, setting = attribute.partition(b"=")
            match key.strip(b" \t").lower():
                case b"domain":
                    continue
                case b"secure" if not secure:
                    continue
                case b"path":
                    kept.append(b" Path=" + self._path(setting.strip(b" \t")))
                case _:
                    kept.append(attribute)
        return b";".join(kept)

    def _path(self, path: bytes) -> bytes:
        """Where the upstream's path lies on our side; the whole route if it lies above or beside it."""
        base = self.upstream_path.rstrip(b"/")
        if path.startswith(base + b"/") and path != base + b"/":
            return self.route_path.rstrip(b"/") + path[len(base) :]
        return self.route_path


def is_one_cookie(pair: bytes) -> bool:
    """Whether every server reads one cookie in the pair, and no logon ticket.

    A pair with a comma, a space or a quote in its name, or with `name=` behind one of them, is two to some servers.
    """
    name, _, value = pair.partition(b"=")
    name = name.strip(b" \t")
    return name.lower() != _TICKET and not _SEPARATOR.search(name) and not _ANOTHER.search(value)
