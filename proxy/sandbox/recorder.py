"""What the sandbox records: counts of events, and the requests that reached the runtime node."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.syntax import values_of

_KEPT_MESSAGES = 20_000
_KEPT_BYTES = 64 << 20


class EventCounter:
    """Counts events by name; a test can wait for a count instead of sleeping."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def add(self, name: str) -> None:
        """Counts one event and wakes the waiters."""
        self._counts[name] += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def reach(self, name: str, count: int) -> None:
        """Waits until the event has happened `count` times."""
        while self._counts[name] < count:
            await self._changed.wait()

    def clear(self) -> None:
        """Resets all counts to zero."""
        self._counts.clear()

    def as_dict(self) -> dict[str, int]:
        """Returns all counts by name."""
        return dict(sorted(self._counts.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMessage:
    """A request at the runtime node, refused ones included.

    Target and fields are byte for byte; each byte is the character with the same number (ISO 8859-1).
    """

    method: str
    target: str
    version: str
    fields: tuple[tuple[str, str], ...]
    body_sha256: str
    body_size: int
    body_start: bytes
    "The first 64 KiB."
    complete: bool
    "Whether the body was read to its end."
    oauth_client: str | None
    "The client to which the token was issued, even if it is no longer valid; None for an unknown token."
    status: int | None
    "None if the connection was broken instead of answered."
    mpl_id: str | None
    "Set if an integration flow ran."
    at: float = 0.0
    "Wall time of the answer."

    def field(self, name: str) -> tuple[str, ...]:
        """Returns all values of a field, in order."""
        return tuple(values_of(self.fields, name.lower()))

    def as_dict(self) -> dict[str, object]:
        """Returns the document for JSON."""
        return {
            "method": self.method,
            "target": self.target,
            "version": self.version,
            "fields": [list(pair) for pair in self.fields],
            "body_sha256": self.body_sha256,
            "body_size": self.body_size,
            "body_start": self.body_start.decode("latin-1"),
            "complete": self.complete,
            "oauth_client": self.oauth_client,
            "status": self.status,
            "mpl_id": self.mpl_id,
            "at": self.at,
        }


class MessageLog:
    """The newest messages, in the order in which they were answered."""

    def __init__(self) -> None:
        self._messages: deque[RecordedMessage] = deque()
        self._bytes = 0
        self.total = 0
        "Number of messages since the log was cleared, discarded ones included."
        self._arrived = EventCounter()

    def __len__(self) -> int:
        return len(self._messages)

    def __reversed__(self) -> Iterator[RecordedMessage]:
        return reversed(self._messages)

    def __iter__(self) -> Iterator[RecordedMessage]:
        return iter(self._messages)

    def __getitem__(self, index: int) -> RecordedMessage:
        return self._messages[index]

    def record(self, message: RecordedMessage) -> None:
        """Adds a message and discards the oldest ones if there are too many."""
        self._messages.append(message)
        self._bytes += len(message.body_start)
        self.total += 1
        while len(self._messages) > _KEPT_MESSAGES or self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._messages.popleft().body_start)
        self._arrived.add("message")

    async def reach(self, count: int) -> None:
        """Waits until `count` messages have been recorded since the log was cleared."""
        await self._arrived.reach("message", count)

    def clear(self) -> None:
        """Discards all messages."""
        self._messages.clear()
        self._arrived.clear()
        self._bytes = self.total = 0
