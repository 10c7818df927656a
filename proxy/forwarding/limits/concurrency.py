"""Limits how many exchanges of a route run at a time. A bounded number waits in a queue."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto

from proxy.errors import Draining, Overloaded, ProxyError, SenderLeft
from proxy.forwarding.request import Recipient
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import woken
from proxy.wire.deadlines import Deadlines

RETRY_AFTER = 1
"Seconds; a slot may become free at any moment."


class WaiterState(Enum):
    """How a wait for a slot stands."""

    WAITING = auto()
    GRANTED = auto()
    "It has a slot."
    TIMED_OUT = auto()
    CLOSED = auto()


class ConcurrencyLimit:
    """The slots of one route. An exchange waits for one for at most `patience` seconds."""

    def __init__(self, *, most: int, queue: int, patience: float, deadlines: Deadlines) -> None:
        self._most, self._free = most, most
        self._queue = queue
        self._patience = patience
        self._deadlines = deadlines
        self._waiters: OrderedDict[_Waiter, None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<ConcurrencyLimit {self._free} of {self._most} free, {len(self._waiters)} waiting>"

    @property
    def waiting(self) -> int:
        """The number of waiting exchanges."""
        return len(self._waiters)

    async def acquire(self, recipient: Recipient, body: IncomingBody) -> None:
        """Returns with a slot, which must be released.

        Raises Overloaded, Draining, SenderLeft if the sender disconnects while it waits, or the failure of its body.
        """
        if self._free:
            self._free -= 1
        elif len(self._waiters) < self._queue:
            await self._wait(recipient, body)
        else:
            raise self._overloaded(f"and {self._queue} more wait (`queue`)" if self._queue else "and there is no queue")

    def release(self) -> None:
        """Hands the slot to the next exchange in the queue, which continues in the next turn of the event loop.

        It does not continue within this call: exchanges that fail at once would nest on the stack.
        """
        if self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            waiter.state = WaiterState.GRANTED
            asyncio.get_running_loop().call_soon(waiter.wake)
        else:
            self._free += 1

    def close(self) -> None:
        """Ends all waiting. Exchanges with a slot keep it."""
        self._queue = 0
        for waiter in list(self._waiters):
            waiter.state = WaiterState.CLOSED
            waiter.wake()

    async def _wait(self, recipient: Recipient, body: IncomingBody) -> None:
        waiter = _Waiter(recipient.wake, self._deadlines.now() + self._patience)
        self._waiters[waiter] = None
        self._deadlines.watch(waiter)
        try:
            refuse_gone(recipient, body)
            while waiter.state is WaiterState.WAITING:
                await woken()
                refuse_gone(recipient, body)
        except BaseException:
            if waiter.state is WaiterState.GRANTED:
                self.release()
            raise
        finally:
            self._deadlines.forget(waiter)
            self._waiters.pop(waiter, None)
        if refusal := self._refusal(waiter.state):
            raise refusal

    def _refusal(self, state: WaiterState) -> ProxyError | None:
        if state is WaiterState.TIMED_OUT:
            return self._overloaded(f"and none ended within {self._patience:g} s (`connect_timeout`)")
        if state is WaiterState.CLOSED:
            return Draining("The proxy was stopped while the message waited in the queue; nothing of it was sent.")
        return None

    def _overloaded(self, why: str) -> Overloaded:
        limit = f"The route serves {self._most} at a time (`max_concurrency`)"
        return Overloaded(f"{limit}, {why}; send again later, or fewer at a time.", retry_after=RETRY_AFTER)


class _Waiter:
    """An exchange that waits, with a deadline."""

    __slots__ = ("deadline", "state", "wake")

    def __init__(self, wake: Callable[[], None], deadline: float) -> None:
        self.wake = wake
        self.deadline = deadline
        self.state = WaiterState.WAITING

    def deadline_reached(self) -> None:
        """Ends the wait, unless a slot has just been granted."""
        if self.state is WaiterState.WAITING:
            self.state = WaiterState.TIMED_OUT
            self.wake()


def refuse_gone(recipient: Recipient, body: IncomingBody) -> None:
    """Raises if the body has failed, or if the sender has disconnected."""
    if body.failure is not None:
        raise body.failure
    if recipient.left or recipient.half_closed:
        raise SenderLeft
