"""The exchanges that wait for a token: each on a future of its own, and each no longer than its patience."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.errors import AuthorizationServerError, ProxyError
    from proxy.oauth.timer import Alarm, Timer
    from proxy.oauth.token import Token


class Waiters:
    """A crowd that is served at once. Whoever leaves early, cancelled or closed, leaves alone."""

    def __init__(self, timer: "Timer") -> None:
        self._timer = timer
        self._alarms: dict[asyncio.Future[Token], Alarm] = {}

    def __len__(self) -> int:
        return len(self._alarms)

    async def wait(self, patience: float, impatience: "Callable[[], AuthorizationServerError]") -> "Token":
        """Return what is given, or raise what is refused; after `patience` seconds, what `impatience` says.

        Awaits nothing but a plain future, so that it also runs where no asyncio task drives it.
        """
        waiter: asyncio.Future[Token] = asyncio.get_running_loop().create_future()
        self._alarms[waiter] = self._timer.call_later(patience, lambda: _refuse(waiter, impatience()))
        try:
            return await waiter
        finally:
            self._alarms.pop(waiter).cancel()
            if waiter.done() and not waiter.cancelled():
                waiter.exception()  # looked at, for one that was closed meanwhile never did, and asyncio would complain

    def give(self, token: "Token") -> None:
        """Serve all."""
        for waiter in self._alarms:
            if not waiter.done():
                waiter.set_result(token)

    def refuse(self, error: "ProxyError") -> None:
        """Send all away."""
        for waiter in self._alarms:
            _refuse(waiter, error)


def _refuse(waiter: "asyncio.Future[Token]", error: "ProxyError") -> None:
    """Refuse with an error of its own for each, because a traceback grows with everybody that raises it."""
    if not waiter.done():
        waiter.set_exception(type(error)(error.detail, retry_after=error.retry_after or 1))
