"""What other replicas have changed, by LISTEN; behind a pooler that does not pass it on, whoever waits looks again."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from proxy.store.postgres.connecting import Connection, bounded

CHANNEL: Final = "cpi_proxy"
LISTEN: Final = f"LISTEN {CHANNEL}"
PING = 10.0
"Seconds of silence after which the connection is tried."
ANSWER = 2.0
"Seconds for the answer."
ARRIVAL = 2.0
"Seconds for the notification by which LISTEN is tried."


class Notifications:
    """Wakes what waits for a topic."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._receivers: dict[str, Callable[[str], None]] = {}

    async def wait(self, topic: str, seconds: float) -> None:
        """Waits for a notification of the topic, or so long."""
        with self.subscribed(topic) as notified:
            waiting = asyncio.ensure_future(notified.wait())
            try:
                await asyncio.wait([waiting], timeout=seconds)
            finally:
                waiting.cancel()

    @contextmanager
    def subscribed(self, topic: str) -> Iterator[asyncio.Event]:
        """Yields an event that each notification of the topic sets."""
        event = asyncio.Event()
        self._waiting[topic].add(event)
        try:
            yield event
        finally:
            self._waiting[topic].discard(event)
            if not self._waiting[topic]:
                del self._waiting[topic]

    def pass_on(self, kind: str, receiver: Callable[[str], None] | None) -> None:
        """Calls the receiver with what follows that word in a notification."""
        if receiver is None:
            self._receivers.pop(kind, None)
        else:
            self._receivers[kind] = receiver

    def notify(self, topic: str) -> None:
        """Wakes what waits for the topic, or calls what receives such notifications."""
        kind, _, rest = topic.partition(" ")
        if kind in self._receivers:
            self._receivers[kind](rest)
        for event in self._waiting.get(topic, ()):
            event.set()

    async def receive(self, connection: Connection) -> None:
        """Passes on what comes over a listening connection, until it fails: StoreUnreachable or psycopg's errors."""
        while True:
            async for notification in connection.notifies(timeout=PING):
                self.notify(notification.payload)
            await bounded(connection, connection.execute("SELECT 1"), ANSWER)


async def listens(connection: Connection, speaker: Connection) -> bool:
    """Listens on the connection; returns whether what another connection sends arrives there.

    A pooler in transaction mode accepts LISTEN, and then gives the server's session to others, who would get the
    notifications and keep them. So it is not tried behind a pooler. Some compatible databases do not know LISTEN.
    """
    if connection.is_pooled:
        return False
    try:
        await bounded(connection, connection.execute(LISTEN), ANSWER)
        probe = f"probe {connection.info.backend_pid}"
        await bounded(speaker, speaker.execute("SELECT pg_notify(%s, %s)", (CHANNEL, probe)), ANSWER)
        async for notification in connection.notifies(timeout=ARRIVAL):
            if notification.payload == probe:
                return True
    except (psycopg.NotSupportedError, psycopg.ProgrammingError):
        pass
    return False
