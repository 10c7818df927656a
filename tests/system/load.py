"""Load that never ceases: senders that send one message after the other, and keep count of the answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.fakes.sender import Sender, request

SENDERS = 8


class Load:
    """Half of the senders keep their connections."""

    def __init__(self, port: int, pause: float = 0.0) -> None:
        """`pause` is that of each sender between two messages, in seconds."""
        self._port, self._pause = port, pause
        self._ended = False
        self._counted = asyncio.Event()
        self.sent = 0
        self.outcomes: Counter[int | str] = Counter()
        self.accepted: set[int] = set()
        "Messages that were answered with 200."

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the block runs."""
        senders = [asyncio.create_task(self._send(keeps=bool(number % 2))) for number in range(SENDERS)]
        try:
            yield
        finally:
            self._ended = True
            await asyncio.gather(*senders)

    async def goes_on(self, messages: int = 100) -> None:
        await self._reaches(self.outcomes.total, self.outcomes.total() + messages)

    async def meets(self, outcome: int, messages: int) -> None:
        await self._reaches(lambda: self.outcomes[outcome], messages)

    async def _reaches(self, counted: Callable[[], int], wanted: int) -> None:
        async with asyncio.timeout(60):
            while counted() < wanted:
                self._counted.clear()
                await self._counted.wait()

    async def _send(self, *, keeps: bool) -> None:
        sender: Sender | None = None
        while not self._ended:
            await asyncio.sleep(self._pause)
            self.sent += 1
            number = self.sent
            try:
                sender = sender or await Sender.connect(self._port)
                answered = await sender.ask(request(b"POST /orders", body=b"%d" % number))
            except (OSError, asyncio.IncompleteReadError) as error:
                self._count(type(error).__name__)
                sender = None
                continue
            if answered.status == 200:
                self.accepted.add(number)
            self._count(answered.status)
            if not keeps or b"close" in answered.field(b"Connection"):
                sender.leave()
                sender = None
        if sender is not None:
            sender.leave()

    def _count(self, outcome: int | str) -> None:
        self.outcomes[outcome] += 1
        self._counted.set()

    def check(self, arrived: Counter[bytes] | Counter[int]) -> None:
        """All were answered by the upstream, and arrived once."""
        assert self.outcomes == {200: self.sent}
        assert len(arrived) == self.sent
        assert set(arrived.values()) == {1}
