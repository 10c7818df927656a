"""A CSRF token and its session cookies as one immutable value.

Cloud Integration's sender adapter ties the token to the session of its cookies (SAP Help, "HTTPS Sender Adapter"), so
neither is valid without the other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_ENDED = re.compile(rb"(?i:[ \t]*max-age[ \t]*=[ \t]*(?:0+|-[0-9]+)[ \t]*)")
"A Max-Age that deletes a cookie."


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrfUnit:
    """A CSRF token with the cookies of its session, in the order in which they were set."""

    token: bytes
    cookies: tuple[tuple[bytes, bytes], ...]
    authorization: bytes
    "The access token that it was fetched with."
    names: frozenset[bytes] = frozenset()
    "Names of our own cookies; empty within a sender's session."
    for_next_answer: tuple[bytes, ...] = ()
    "Set-Cookie values of a fetch within a sender's session, which the next answer passes on."

    def __repr__(self) -> str:
        return f"<CsrfUnit with {len(self.cookies)} cookies>"

    def cookie_field(self) -> bytes:
        """Returns the value of the Cookie field. Cookie values are unchanged."""
        return b"; ".join(name + b"=" + value for name, value in self.cookies)

    def updated(self, set_cookies: Iterable[bytes]) -> "CsrfUnit":
        """Returns the unit after an answer has set cookies. Only cookies of its own names are added."""
        cookies = dict(self.cookies)
        for name, value, kept in map(parse, set_cookies):
            if kept and name in self.names:
                cookies[name] = value
            elif not kept:
                cookies.pop(name, None)
        return replace(self, cookies=tuple(cookies.items()))

    def for_sender(self, set_cookies: list[bytes]) -> list[bytes]:
        """Returns the Set-Cookie values for the sender: those of the fetch, unless replaced, then its own."""
        given = [each for each in set_cookies if parse(each)[0] not in self.names]
        names = {parse(each)[0] for each in given}
        return [*(each for each in self.for_next_answer if parse(each)[0] not in names), *given]


def shared_unit(token: bytes, set_cookies: list[bytes], authorization: bytes) -> CsrfUnit:
    """Returns the unit of our own session, with the cookies of its fetch."""
    cookies = tuple((name, value) for name, value, kept in map(parse, set_cookies) if kept)
    names = frozenset(name for name, _ in cookies)
    return CsrfUnit(token=token, cookies=cookies, authorization=authorization, names=names)


def unit_within(own: bytes, token: bytes, set_cookies: list[bytes], authorization: bytes) -> CsrfUnit:
    """Returns the unit of a sender's session: the cookies in `own`, as the fetch has changed them."""
    changed = {name: (value, kept) for name, value, kept in map(parse, set_cookies)}
    pairs = [(name, value) for name, _, value in (pair.partition(b"=") for pair in own.split(b"; "))]
    cookies = [pair for pair in pairs if pair[0] not in changed]
    cookies += [(name, value) for name, (value, kept) in changed.items() if kept]
    return CsrfUnit(
        token=token, cookies=tuple(cookies), authorization=authorization, for_next_answer=tuple(set_cookies)
    )


def parse(set_cookie: bytes) -> tuple[bytes, bytes, bool]:
    """Returns (name, value, whether it is kept) of a Set-Cookie value (RFC 6265 §5.2)."""
    pair, *attributes = set_cookie.split(b";")
    name, _, value = pair.partition(b"=")
    gone = not name.strip(b" \t") or any(_ENDED.fullmatch(each) for each in attributes)
    return name.strip(b" \t"), value.strip(b" \t"), not gone
