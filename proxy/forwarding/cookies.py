"""Renames the upstream's cookies for the sender, and back, without state. No other cookie passes.

A sender's other cookies, such as logon tickets, never reach the upstream, nor do cookies of another route.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TICKET = b"mysapsso2"
"A logon ticket. A sender may have put the prefix in front of it."
_SEPARATOR = re.compile(rb'[\s,"]')
"What separates cookies in older grammars (RFC 2109 §4.4), or for lenient servers."
_ANOTHER = re.compile(rb'(?:[\s,]|(?<=.)")[^\s,"=]+\s*=')
"The name of another cookie within a value, which may begin with a quote."


@dataclass(slots=True, kw_only=True, eq=False)
class CookieRules:
    """How one route renames cookies."""

    prefix: bytes
    route_path: bytes
    "The route's path prefix; `/` for the root."
    upstream_path: bytes
    "The upstream path that replaces the prefix; `/` for the root."

    def to_upstream(self, values: Iterable[bytes]) -> bytes:
        """Returns the value of the Cookie field for the upstream, or b""."""
        pairs = (pair.strip(b" \t") for value in values for pair in value.split(b";"))
        ours = (pair.removeprefix(self.prefix) for pair in pairs if pair.startswith(self.prefix))
        return b"; ".join(pair for pair in ours if is_one_cookie(pair))

    def to_sender(self, value: bytes, *, secure: bool) -> bytes:
        """Returns the value of a Set-Cookie field for the sender: the prefix, then name and value unchanged.

        `secure` is whether the sender uses TLS, so that Secure may stay.
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
        """Returns the path for the sender: the route's own path if the cookie's is not below the upstream path."""
        base = self.upstream_path.rstrip(b"/")
        if path.startswith(base + b"/") and path != base + b"/":
            return self.route_path.rstrip(b"/") + path[len(base) :]
        return self.route_path


def is_one_cookie(pair: bytes) -> bool:
    """Whether every server reads the pair as one cookie, which is not a logon ticket.

    Some servers read two cookies if the name has a comma, a space or a quote, or if `name=` follows one of them.
    """
    name, _, value = pair.partition(b"=")
    name = name.strip(b" \t")
    return name.lower() != _TICKET and not _SEPARATOR.search(name) and not _ANOTHER.search(value)
