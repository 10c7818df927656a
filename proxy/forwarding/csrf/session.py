"""The CSRF unit of a route, shared by its exchanges.

A unit belongs to one route and one access token. It is fetched only after a 403 has asked for it, because on an
unprotected flow the fetch would run the flow.
"""

import asyncio
from collections.abc import Awaitable, Callable

from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.request import Recipient
from proxy.wire.coroutine_runner import CoroutineRunner

Fetch = Callable[[Recipient], Awaitable[CsrfUnit | None]]


class RouteCsrf:
    """The current unit of one route. There is one fetch at a time for each path, shared by all that wait."""

    def __init__(self) -> None:
        self._unit: CsrfUnit | None = None
        self._fetches: dict[tuple[bytes, bytes], CsrfFetch] = {}
        "By access token and path, so that a fetch that hangs delays messages to its own path only."

    def unit(self, authorization: bytes) -> CsrfUnit | None:
        """Returns the unit for an access token, if there is one."""
        unit = self._unit
        return unit if unit is not None and unit.authorization == authorization else None

    def update(self, used: CsrfUnit, set_cookies: list[bytes]) -> None:
        """Updates the cookies after an answer to a request with the unit `used`. A newer unit stays as it is."""
        if set_cookies and self._unit is used:
            self._unit = used.updated(set_cookies)

    async def renew(self, failed: CsrfUnit | None, authorization: bytes, path: bytes, fetch: Fetch) -> CsrfUnit | None:
        """Returns a unit other than the one that failed, or None if the upstream gives none.

        If a fetch of another exchange, which this one joined, gives no unit, this exchange tries its own.
        """
        key = (authorization, path)
        for _ in range(2):
            present = self.unit(authorization)
            if present is not None and (failed is None or present.token != failed.token):
                return present
            joined = self._fetches.get(key)
            if joined is not None and joined.result.done():
                joined = None  # it still hangs, but all that waited for it got the unit of another path
            unit = await (joined or self._begin(key, fetch)).result
            if unit is not None or joined is None:
                return unit
        return None

    def _begin(self, key: tuple[bytes, bytes], fetch: Fetch) -> "CsrfFetch":
        self._unit = None
        fetching = self._fetches[key] = CsrfFetch(fetch, lambda ended, unit: self._ended(key, ended, unit))
        fetching.start()
        return fetching

    def _ended(self, key: tuple[bytes, bytes], ended: "CsrfFetch", unit: CsrfUnit | None) -> None:
        """Stores the unit of a fetch, and gives it to all that wait, whatever their path."""
        if self._fetches.get(key) is ended:
            del self._fetches[key]
        if unit is None or self.unit(unit.authorization) is not None:
            return
        self._unit = unit
        for (authorization, _), fetching in self._fetches.items():
            if authorization == unit.authorization and not fetching.result.done():
                fetching.result.set_result(unit)


class CsrfFetch(Recipient):
    """A fetch in progress. It does not belong to an exchange, so it continues when one ends."""

    def __init__(self, fetch: Fetch, ended: "Callable[[CsrfFetch, CsrfUnit | None], None]") -> None:
        self.result: asyncio.Future[CsrfUnit | None] = asyncio.get_running_loop().create_future()
        self.left = False
        self.half_closed = False
        self._fetch = fetch
        self._report = ended
        self._run = CoroutineRunner(self._go(), self._ended)
        self._unit: CsrfUnit | None = None

    def start(self) -> None:
        """Starts the fetch."""
        self._run.start()

    def wake(self) -> None:
        """Continues the fetch."""
        self._run.wake()

    async def _go(self) -> None:
        self._unit = await self._fetch(self)

    def _ended(self, error: BaseException | None) -> None:
        self._report(self, self._unit)
        if self.result.done():  # another fetch was faster, and nothing waits for this one
            return
        if error is None:
            self.result.set_result(self._unit)
        else:
            self.result.set_exception(error)
