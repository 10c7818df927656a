"""The CSRF token and its session cookies as one immutable unit, for senders that cannot do the handshake.

Cloud Integration's sender adapter ties the token to the session that its cookies name (sap-facts of the HTTPS adapter:
`X-CSRF-Token: Fetch`, `Required`), so that neither is of use without the other. A unit belongs to one route and one
access token. It is fetched only after a 403 has asked for it: on an unprotected flow the fetch would run the flow.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from proxy.wire.run import Run

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


def required(token_field: bytes) -> bool:
    """Whether the X-CSRF-Token field of a 403 asks for a token (in any case: real tenants differ)."""
    return token_field.lower() == b"required"


class Ringing(Protocol):
    """What a fetch is waited for with."""

    left: bool

    def ring(self) -> None:
        """Let it look again."""
        ...


Fetch = Callable[[Ringing], Awaitable[CsrfUnit | None]]


class CsrfSession:
    """The present unit of one route; one fetch at a time for all that want another one at the same path."""

    def __init__(self) -> None:
        self._unit: CsrfUnit | None = None
        self._fetches: dict[tuple[bytes, bytes], Fetching] = {}
        "By access token and path: a fetch that hangs holds up the messages to its own path only."

    def unit(self, authorization: bytes) -> CsrfUnit | None:
        """The unit for this access token, if there is one."""
        unit = self._unit
        return unit if unit is not None and unit.authorization == authorization else None

    def update(self, used: CsrfUnit, set_cookies: list[bytes]) -> None:
        """An answer to a request with `used` has set cookies; a newer unit is left alone."""
        if set_cookies and self._unit is used:
            self._unit = used.updated(set_cookies)

    async def renew(self, failed: CsrfUnit | None, authorization: bytes, path: bytes, fetch: Fetch) -> CsrfUnit | None:
        """A unit other than the one that failed: somebody else's, or a new one; None if the upstream gives none.

        A fetch of somebody else's may hang where ours would not: after one in vain there is one more.
        """
        key = (authorization, path)
        for _ in range(2):
            present = self.unit(authorization)
            if present is not None and (failed is None or present.token != failed.token):
                return present
            joined = self._fetches.get(key)
            unit = await (joined or self._begin(key, fetch)).result
            if unit is not None or joined is None:
                return unit
        return None

    def _begin(self, key: tuple[bytes, bytes], fetch: Fetch) -> "Fetching":
        self._unit = None
        fetching = self._fetches[key] = Fetching(fetch, lambda unit: self._ended(key, unit))
        fetching.start()
        return fetching

    def _ended(self, key: tuple[bytes, bytes], unit: CsrfUnit | None) -> None:
        """Keep what a fetch has brought, and give it to all that wait, whatever their path."""
        del self._fetches[key]
        if unit is None or self.unit(unit.authorization) is not None:
            return
        self._unit = unit
        for (authorization, _), fetching in self._fetches.items():
            if authorization == unit.authorization and not fetching.result.done():
                fetching.result.set_result(unit)


class Fetching:
    """One fetch on its way; owned by nobody's exchange, so that none that ends takes it along."""

    left = False

    def __init__(self, fetch: Fetch, ended: Callable[[CsrfUnit | None], None]) -> None:
        self.result: asyncio.Future[CsrfUnit | None] = asyncio.get_running_loop().create_future()
        self._fetch = fetch
        self._report = ended
        self._run = Run(self._go(), self._ended)
        self._unit: CsrfUnit | None = None

    def start(self) -> None:
        """Ask the upstream."""
        self._run.start()

    def ring(self) -> None:
        """Let it look again."""
        self._run.ring()

    async def _go(self) -> None:
        self._unit = await self._fetch(self)

    def _ended(self, error: BaseException | None) -> None:
        self._report(self._unit)
        if self.result.done():  # another fetch was faster, and nobody waits for this one
            return
        if error is None:
            self.result.set_result(self._unit)
        else:
            self.result.set_exception(error)
