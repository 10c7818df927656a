"""The connections of senders of all listeners, and how many there may be."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from proxy import timeouts
from proxy.config.model import Limits
from proxy.errors import Overloaded, ProxyError
from proxy.forwarding.limits.rate import counted_as


class CountedConnection(Protocol):
    """The connection of a sender, without its requests."""

    address: str

    @property
    def context(self) -> object:
        """The context of the listener that accepted it."""
        ...

    @property
    def busy(self) -> bool:
        """Whether it has a running exchange."""
        ...

    def drain(self, seconds: float = ...) -> None:
        """Ends after a last request, which has to begin within some seconds."""
        ...

    def give_up(self, failure: ProxyError) -> None:
        """Answers an incomplete request with the failure."""
        ...

    def abort(self) -> None:
        """Resets the connection."""
        ...


Counted = TypeVar("Counted", bound=CountedConnection)


class SenderConnections(Generic[Counted]):
    """The open connections of senders, with their limits in total and for each sender."""

    def __init__(self, limits: Limits, *, most: int | None = None) -> None:
        """`most` is lower than `max_connections` if the system allows fewer."""
        self._connections: set[Counted] = set()
        self._by_sender: Counter[str] = Counter()
        self._empty: asyncio.Event | None = None
        self.apply(limits, most=most)

    def apply(self, limits: Limits, *, most: int | None = None) -> None:
        """Applies the limits to new connections; existing ones stay."""
        self.most = limits.max_connections if most is None else most
        self._most_of_one = limits.max_connections_per_sender

    async def emptied(self, timeout: float) -> None:  # noqa: ASYNC109 - waiting longer is no error
        """Waits until all have ended, for at most `timeout` seconds."""
        self._empty = asyncio.Event()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                async with timeouts.timeout(timeout):
                    await self._empty.wait()

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Counted]:
        return iter(list(self._connections))

    def add(self, connection: Counted) -> ProxyError | None:
        """Counts the connection. Returns the refusal if there are too many; `remove` follows all the same."""
        self._connections.add(connection)
        sender = counted_as(connection.address)
        self._by_sender[sender] += 1
        if len(self._connections) > self.most:
            return Overloaded("All connections are taken; see `limits.max_connections`.", retry_after=1)
        most = self._most_of_one
        if most and sender and self._by_sender[sender] > most:
            return Overloaded(
                "The sender has too many connections; see `limits.max_connections_per_sender`.", retry_after=1
            )
        return None

    def remove(self, connection: Counted) -> None:
        """Forgets the connection, which has ended."""
        self._connections.discard(connection)
        if not self._connections and self._empty is not None:
            self._empty.set()
        sender = counted_as(connection.address)
        self._by_sender[sender] -= 1
        if not self._by_sender[sender]:
            del self._by_sender[sender]
