"""The exchanges that wait for a token: each on a future of its own, each with a timeout of its own."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

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


def _fail(waiter: "asyncio.Future[Token]", error: "ProxyError") -> None:
    """Fails with a copy of the error, because its traceback grows each time that it is raised."""
    if not waiter.done():
        waiter.set_exception(type(error)(error.detail, retry_after=error.retry_after or 1))
