"""A CSRF token and its session cookies as one immutable value.

Cloud Integration's sender adapter ties the token to the session that its cookies name (SAP Help, "HTTPS Sender
Adapter"), so neither is of use without the other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_ENDED = re.compile(rb"(?i:[ \t]*max-age[ \t]*=[ \t]*(?:0+|-[0-9]+)[ \t]*)")
"A Max-Age that deletes a cookie."


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrfUnit:
    """A CSRF token with the cookies of its session, in the order they were set."""

    token: bytes
    cookies: tuple[tuple[bytes, bytes], ...]
    authorization: bytes
    "The access token that it was fetched with."
    names: frozenset[bytes] = frozenset()
    "Of the cookies that are ours: none of those within a sender's own session."
    owed: tuple[bytes, ...] = ()
    "Set-Cookie values of a fetch within a sender's own session, which it is to get."

    def __repr__(self) -> str:
        return f"<CsrfUnit with {len(self.cookies)} cookies>"

    def cookie_field(self) -> bytes:
        """The value of the Cookie field, each value byte for byte as it came."""
        return b"; ".join(name + b"=" + value for name, value in self.cookies)

    def updated(self, set_cookies: Iterable[bytes]) -> "CsrfUnit":
        """The unit after Set-Cookie values within its session; those of other names are not its own."""
        cookies = dict(self.cookies)
        for name, value, kept in map(parse, set_cookies):
            if kept and name in self.names:
                cookies[name] = value
            elif not kept:
                cookies.pop(name, None)
        return replace(self, cookies=tuple(cookies.items()))

    def for_sender(self, set_cookies: list[bytes]) -> list[bytes]:
        """The Set-Cookie values of an answer that are the sender's, behind what it is owed and has not got anew."""
        given = [each for each in set_cookies if parse(each)[0] not in self.names]
        names = {parse(each)[0] for each in given}
        return [*(each for each in self.owed if parse(each)[0] not in names), *given]


def shared_unit(token: bytes, set_cookies: list[bytes], authorization: bytes) -> CsrfUnit:
    """The unit of a session that is ours, with what its fetch has set."""
    cookies = tuple((name, value) for name, value, kept in map(parse, set_cookies) if kept)
    names = frozenset(name for name, _ in cookies)
    return CsrfUnit(token=token, cookies=cookies, authorization=authorization, names=names)


def unit_within(own: bytes, token: bytes, set_cookies: list[bytes], authorization: bytes) -> CsrfUnit:
    """The unit of a sender's own session: its cookies (a Cookie value), as the fetch has changed them."""
    changed = {name: (value, kept) for name, value, kept in map(parse, set_cookies)}
    pairs = [(name, value) for name, _, value in (pair.partition(b"=") for pair in own.split(b"; "))]
    cookies = [pair for pair in pairs if pair[0] not in changed]
    cookies += [(name, value) for name, (value, kept) in changed.items() if kept]
    return CsrfUnit(token=token, cookies=tuple(cookies), authorization=authorization, owed=tuple(set_cookies))


def parse(set_cookie: bytes) -> tuple[bytes, bytes, bool]:
    """(name, value, whether it is to be kept) of a Set-Cookie value (RFC 6265 §5.2)."""
    pair, *attributes = set_cookie.split(b";")
    name, _, value = pair.partition(b"=")
    gone = not name.strip(b" \t") or any(_ENDED.fullmatch(each) for each in attributes)
    return name.strip(b" \t"), value.strip(b" \t"), not gone
