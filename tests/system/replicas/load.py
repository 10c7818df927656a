"""Senders of so many messages, and how far they have come."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.system.replicas.cluster import Cluster, Replica

Send = Callable[[int, Replica], Awaitable[None]]
"Sends a message of a sender to a replica, and waits for its answer."


class Load:
    """Each sender sends one message after the other, each to any replica that serves."""

    def __init__(self, cluster: Cluster, senders: int, send: Send, *, pause: Callable[[], float] = lambda: 0.0) -> None:
        """`pause` returns the seconds between two messages of a sender."""
        self._cluster, self._senders, self._send, self._pause = cluster, senders, send, pause
        self._left = self._running = 0
        self.answered = 0
        "Messages of this round."
        self._asked = Counter[Replica]()
        "Messages that were not answered yet."
        self._changed = asyncio.Event()

    async def run(self, messages: int) -> None:
        """Send so many messages."""
        self._left, self.answered, self._running = messages, 0, self._senders
        await asyncio.gather(*(self._run(each) for each in range(self._senders)))

    async def reaches(self, messages: int) -> None:
        """Wait until so many were answered, or no more can be: senders have ended, or wait for what stands still."""
        while self.answered < messages and self._running and not self._is_stuck:
            self._changed.clear()
            await self._changed.wait()

    @property
    def _is_stuck(self) -> bool:
        served = sum(self._asked[each] for each in self._cluster.serving)
        return not served and self._asked.total() == self._running

    async def _run(self, sender: int) -> None:
        while self._left:
            self._left -= 1
            await asyncio.sleep(self._pause())
            replica = self._cluster.chance.choice(self._cluster.serving)
            self._asked[replica] += 1
            try:
                await self._send(sender, replica)
            finally:
                self._asked[replica] -= 1
                self.answered += 1
                self._changed.set()
        self._running -= 1
        self._changed.set()
