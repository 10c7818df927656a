"""All connections of senders, over all listeners, and what they may be at most."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

from proxy import timeouts
from proxy.config.model import Limits
from proxy.errors import Overloaded, ProxyError
from proxy.forwarding.limits.rate import counted_as
from proxy.server.sender_connection import SenderConnection


class SenderConnections:
    """Counts who comes and goes."""

    def __init__(self, limits: Limits, *, most: int | None = None) -> None:
        """`most` connections at once, where the system has fewer than `max_connections`."""
        self._connections: set[SenderConnection] = set()
        self._by_sender: Counter[str] = Counter()
        self._empty: asyncio.Event | None = None
        self.take(limits, most=most)

    def take(self, limits: Limits, *, most: int | None = None) -> None:
        """These are the limits from now on; whoever is there stays."""
        self.most = limits.max_connections if most is None else most
        self._most_of_one = limits.max_connections_per_sender

    async def emptied(self, timeout: float) -> None:  # noqa: ASYNC109 - waiting longer is no error
        """Waits until all have gone, for at most so many seconds."""
        self._empty = asyncio.Event()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                async with timeouts.timeout(timeout):
                    await self._empty.wait()

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[SenderConnection]:
        return iter(list(self._connections))

    def add(self, connection: SenderConnection) -> ProxyError | None:
        """One more; the refusal if it is one too many."""
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

    def remove(self, connection: SenderConnection) -> None:
        """It has gone."""
        self._connections.discard(connection)
        if not self._connections and self._empty is not None:
            self._empty.set()
        sender = counted_as(connection.address)
        self._by_sender[sender] -= 1
        if not self._by_sender[sender]:
            del self._by_sender[sender]
