"""The exchanges that wait for a token, each with a timeout of its own, and what they are told if there is none."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from proxy.errors import Draining, GrantTimeout, GrantUnavailable

if TYPE_CHECKING:
    from proxy.errors import AuthorizationServerError, ProxyError
    from proxy.oauth.token import Token


class TimerHandle(Protocol):
    """A call that is scheduled, as asyncio's own."""

    def cancel(self) -> None:
        """Cancels the call."""
        ...


CallLater = Callable[[float, Callable[[], None]], TimerHandle]
"Schedules a call in that many seconds, as `loop.call_later` does."


class Waiters:
    """The waiting exchanges. All get the same result; one that leaves early affects no other."""

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._timeouts: dict[asyncio.Future[Token], TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._timeouts)

    async def wait(self, seconds: float, timed_out: "Callable[[], AuthorizationServerError]") -> "Token":
        """Returns the token, or raises the error, that all get; after `seconds`, raises what `timed_out` returns.

        Awaits nothing but a plain future, so that it also runs where no asyncio task drives it.
        """
        waiter: asyncio.Future[Token] = asyncio.get_running_loop().create_future()
        self._timeouts[waiter] = self._call_later(seconds, lambda: _fail(waiter, timed_out()))
        try:
            return await waiter
        finally:
            self._timeouts.pop(waiter).cancel()
            if waiter.done() and not waiter.cancelled():
                waiter.exception()  # else asyncio complains if the coroutine was closed before it saw the exception

    def resolve(self, token: "Token") -> None:
        """Gives the token to all."""
        for waiter in self._timeouts:
            if not waiter.done():
                waiter.set_result(token)

    def fail(self, error: "ProxyError") -> None:
        """Raises the error in all."""
        for waiter in self._timeouts:
            _fail(waiter, error)


def too_late(client: str, seconds: float) -> GrantTimeout:
    """Returns the error for an exchange that has waited so long."""
    return GrantTimeout(f"OAuth client {client} had no token after {seconds:g} s: try again later.")


def crashed(client: str, error: BaseException) -> GrantUnavailable:
    """Returns the error for a fault of our own; names only its class, because its text may quote a secret."""
    return GrantUnavailable(f"The grant for OAuth client {client} crashed ({type(error).__name__}).")


def draining(client: str) -> Draining:
    """Returns the error for exchanges that need a token while the proxy stops."""
    return Draining(f"OAuth client {client} gets no more tokens because the proxy is stopping.", retry_after=1)


def _fail(waiter: "asyncio.Future[Token]", error: "ProxyError") -> None:
    """Fails with a copy of the error, because its traceback grows each time that it is raised."""
    if not waiter.done():
        waiter.set_exception(type(error)(error.detail, retry_after=error.retry_after or 1))
