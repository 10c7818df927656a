"""Messages that come whatever became of the others: one is due every 5 ms, and its time counts from when it was due.

Every second one goes over a connection of its own, the others over connections that are kept, each used in its turn.
Sizes change too. A message is sent once: whatever becomes of it is its end.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from tests.fakes.sender import Answer, Sender, request

RATE = 200
"Messages a second."
SIZES = (100, 1_000, 100_000)
"Octets of bodies, in turn."
KEPT = 16
"Connections that are kept when nobody uses them."
SILENT = "no answer"
"The outcome of a message that nobody says a word about, for as long as a sender of the fakes has patience."


@dataclass(slots=True)
class Message:
    """One message, and what became of it."""

    number: int
    due: float
    outcome: str = SILENT
    "A status, with the code of an answer of the proxy's own; or the class of what ended the connection."
    connected: bool = True
    "Whether it has an answer, or might have had one: its connection has not ended without."
    seconds: float = 0.0
    "From when it was due to its outcome."

    @property
    def accepted(self) -> bool:
        return self.outcome.startswith("2")


class Traffic:
    """Messages to one port, numbered over all runs."""

    def __init__(self, path: str, numbers: "itertools.count[int]") -> None:
        self._path = path.encode()
        self._numbers = numbers
        self._idle: deque[Sender] = deque()
        self.messages: list[Message] = []

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[None]:
        """Messages are due while the block runs; afterwards all have had their outcome."""
        tasks: list[asyncio.Task[None]] = []
        clock = asyncio.create_task(self._tick(port, tasks))
        try:
            yield
        finally:
            clock.cancel()
            await asyncio.wait([clock])
            await asyncio.gather(*tasks)
            while self._idle:
                self._idle.pop().leave()

    async def _tick(self, port: int, tasks: list[asyncio.Task[None]]) -> None:
        began = monotonic()
        for count in itertools.count():
            message = Message(next(self._numbers), began + count / RATE)
            await asyncio.sleep(message.due - monotonic())
            self.messages.append(message)
            tasks.append(asyncio.create_task(self._send(message, port)))

    async def _send(self, message: Message, port: int) -> None:
        number = message.number
        keeps, size = bool(number % 2), SIZES[number // 2 % len(SIZES)]
        octets = request(b"POST " + self._path, body=b"%d " % number + bytes(size))
        sender: Sender | None = None
        try:
            sender = (self._kept() if keeps else None) or await Sender.connect(port)
            if sender.ended:  # reset as soon as it was made; uvloop has no OSError for a write to it
                raise ConnectionResetError
            answer = await sender.ask(octets)
        except TimeoutError:
            pass  # the outcome that stands there
        except (OSError, asyncio.IncompleteReadError) as error:
            message.outcome, message.connected = type(error).__name__, False
        else:
            message.outcome = outcome(answer)
            if keeps and b"close" not in answer.field(b"Connection") and len(self._idle) < KEPT:
                self._idle.append(sender)
                sender = None
        message.seconds = monotonic() - message.due
        if sender is not None:
            sender.leave()

    def _kept(self) -> Sender | None:
        """The one that has rested longest; None if there is none."""
        while self._idle:
            sender = self._idle.popleft()
            if not sender.ended:
                return sender
            sender.leave()
        return None


def outcome(answer: Answer) -> str:
    """The status, and the code where it is the proxy's own answer."""
    return f"{answer.status} {answer.code}" if answer.field(b"Proxy-Status") else str(answer.status)
