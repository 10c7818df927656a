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

    def __repr__(self) -> str:
        return f"<CsrfUnit with {len(self.cookies)} cookies>"

    def cookie_field(self) -> bytes:
        """The value of the Cookie field, each value byte for byte as it came."""
        return b"; ".join(name + b"=" + value for name, value in self.cookies)

    def updated(self, set_cookies: Iterable[bytes]) -> "CsrfUnit":
        """The unit after Set-Cookie values within its session."""
        cookies = dict(self.cookies)
        for name, value, kept in map(parse, set_cookies):
            if kept:
                cookies[name] = value
            else:
                cookies.pop(name, None)
        return replace(self, cookies=tuple(cookies.items()))


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
    """The present unit of one route; one fetch at a time for all who want another."""

    def __init__(self) -> None:
        self._unit: CsrfUnit | None = None
        self._fetching: asyncio.Future[CsrfUnit | None] | None = None

    def unit(self, authorization: bytes) -> CsrfUnit | None:
        """The unit for this access token, if there is one."""
        unit = self._unit
        return unit if unit is not None and unit.authorization == authorization else None

    def update(self, used: CsrfUnit, set_cookies: list[bytes]) -> None:
        """An answer to a request with `used` has set cookies; a newer unit is left alone."""
        if set_cookies and self._unit is used:
            self._unit = used.updated(set_cookies)

    async def renew(self, failed: CsrfUnit | None, authorization: bytes, fetch: Fetch) -> CsrfUnit | None:
        """A unit other than the one that failed: somebody else's, or a new one; None if the upstream gives none."""
        present = self.unit(authorization)
        if present is not None and (failed is None or present.token != failed.token):
            return present
        fetching = self._fetching
        if fetching is None:
            fetching = self._fetching = asyncio.get_running_loop().create_future()
            self._unit = None
            Fetching(fetch, fetching, self._keep).start()
        return await fetching

    def _keep(self, unit: CsrfUnit | None) -> None:
        self._unit, self._fetching = unit, None


class Fetching:
    """One fetch on its way; owned by nobody's exchange, so that none that ends takes it along."""

    left = False

    def __init__(
        self, fetch: Fetch, result: "asyncio.Future[CsrfUnit | None]", keep: Callable[[CsrfUnit | None], None]
    ) -> None:
        self._fetch = fetch
        self._result = result
        self._keep = keep
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
        self._keep(self._unit)
        if error is None:
            self._result.set_result(self._unit)
        else:
            self._result.set_exception(error)
