"""What reached the runtime node, so that a test or a user can compare it with what was sent."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.sandbox.tally import Tally

_KEPT_MESSAGES = 20_000
_KEPT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMessage:
    """One request at the runtime node, refused ones included.

    Target and fields stand here byte for byte, each byte as the character of the same number (ISO 8859-1).
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
    "Whose token came, even if it is no longer good enough; None without one that is known."
    status: int | None
    "None if the connection was broken in place of an answer."
    mpl_id: str | None
    "Set if an integration flow ran."

    def field(self, name: str) -> tuple[str, ...]:
        """All values of a field, in order."""
        return tuple(value for known, value in self.fields if known.lower() == name.lower())

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
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
        }


class MessageLog:
    """The messages in the order in which they were answered; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._messages: deque[RecordedMessage] = deque()
        self._bytes = 0
        self.total = 0
        "How many were received since the last clearing, forgotten ones included."
        self._arrived = Tally()

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[RecordedMessage]:
        return iter(self._messages)

    def __getitem__(self, index: int) -> RecordedMessage:
        return self._messages[index]

    def record(self, message: RecordedMessage) -> None:
        """Keep a message."""
        self._messages.append(message)
        self._bytes += len(message.body_start)
        self.total += 1
        while len(self._messages) > _KEPT_MESSAGES or self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._messages.popleft().body_start)
        self._arrived.add("message")

    async def reach(self, count: int) -> None:
        """Wait until so many have been received since the last clearing."""
        await self._arrived.reach("message", count)

    def clear(self) -> None:
        """Forget them all."""
        self._messages.clear()
        self._arrived.clear()
        self._bytes = self.total = 0
