"""Messages of an outbox as values: a new one, a stored one, what happened to it, and what is told about it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

INTERRUPTED = "interrupted"
"The code of an attempt of which the process did not see the end."
MOST_ENTRIES = 50
"Of the history of a message: the first, and the latest."


class MessageState(StrEnum):
    """Where a message is."""

    WAITING = "waiting"
    DELIVERING = "delivering"
    DEAD = "dead"
    "It is not delivered until a person decides."


class DeadLetterCode(StrEnum):
    """Why a message is dead."""

    REFUSED = "refused"
    "The upstream will never accept it."
    FLOW_FAILED = "flow_failed"
    "The integration flow ran and failed."
    UNCERTAIN = "uncertain"
    "Nobody knows whether it arrived."
    EXPIRED = "expired"
    "It was not delivered within `max_age`."


class StoredBody(Protocol):
    """A body that can be read any number of times, in pieces."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def read(self, at: int) -> bytes:
        """Returns a piece from the octet `at` on, or b"" at the end. Raises OutboxUnavailable if the store fails."""
        ...


def body_size(body: "bytes | StoredBody") -> int:
    """Returns the bytes of a body."""
    return len(body) if isinstance(body, bytes) else body.size


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to be kept. What it holds of the sender is not encrypted yet."""

    id: str
    "Ours, unique; ids sort by the time of acceptance."
    route: str
    sender_id: bytes
    "The id that the sender gave it (`message_id`); empty without one."
    remember: float
    "Seconds for which `sender_id` is remembered after acceptance; 0 without one."
    content_hash: bytes
    "SHA-256 of method, target, Content-Type and body; keyed by the store if it has keys. Empty without `sender_id`."
    method: str
    target: bytes = field(repr=False)
    "What follows the route's path, with the query."
    fields: tuple[bytes, ...] = field(repr=False)
    "Field lines that would have been forwarded; no Authorization, cookie or CSRF token."
    body: "bytes | StoredBody" = field(repr=False)
    order: bytes | None
    "Messages of a route with the same value are delivered one after the other; None for no order."
    accepted_at: float
    expires_at: float
    "Wall time in seconds."

    @property
    def size(self) -> int:
        """Returns the bytes that count towards `max_bytes`: body, target and fields."""
        return body_size(self.body) + len(self.target) + sum(map(len, self.fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the sender is told. For a repeated message it is that of the first."""

    id: str
    accepted_at: float
    expires_at: float
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """How one attempt to deliver a message ended."""

    at: float
    status: int = 0
    "Of the upstream; 0 without an answer."
    code: str = ""
    "Of the error, if there was no answer to relay; else empty."
    diagnosis: str = ""
    mpl_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMessage:
    """A message that this process delivers now; no other process does until it is settled or released."""

    id: str
    route: str
    sender_id: bytes
    method: str
    target: bytes = field(repr=False)
    fields: tuple[bytes, ...] = field(repr=False)
    body: "bytes | StoredBody" = field(repr=False)
    accepted_at: float
    expires_at: float
    attempts: int
    "Attempts that were begun."
    interrupted: bool
    "Whether an attempt was begun and its end was never stored: the process died. It counts as lost after writing."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message whose time was over: it is a dead letter now."""

    id: str
    code: DeadLetterCode
    attempts: int
    accepted_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What a look at the ages of a route's messages has found."""

    messages: tuple[DeadLetter, ...]
    is_whole: bool
    "Whether nothing is left whose time is over now."
    next_at: float | None
    "When to look again; None if nothing waits."


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSummary:
    """A row of `outbox list`."""

    id: str
    route: str
    state: MessageState
    code: str
    "A DeadLetterCode, or empty."
    attempts: int
    accepted_at: float
    next_at: float | None
    "When it is due; None if it is dead, being delivered, or stands behind another."
    bytes: int
    seq: int
    "Its number in the order of acceptance."

    @property
    def position(self) -> str:
        """Where it is in a list: what follows can be found also after the message has gone."""
        return f"{_POSITION}{self.seq}"


_POSITION = "seq-"


def seq_at(position: str) -> int | None:
    """Returns the number of a message from its position; None for anything else, such as an id."""
    number = position.removeprefix(_POSITION)
    is_position = number != position and number.isascii() and number.isdecimal() and len(number) < 19
    return int(number) if is_position else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDetails:
    """All that is told about one message but its body."""

    summary: MessageSummary
    method: str
    target: bytes = field(repr=False)
    fields: tuple[bytes, ...] = field(repr=False)
    sender_id: bytes
    expires_at: float
    history: tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSummary:
    """The outbox of one route, as numbers."""

    route: str
    waiting: int
    delivering: int
    dead: int
    held: bool
    oldest_at: float | None
    "When the oldest message that is not dead was accepted."
    bytes: int
