"""What has come of a body and has not been taken yet: between the connection that reads it and its exchange."""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.wire.coroutine_runner import woken

HIGH_WATER: Final = 32 << 10
"Octets that may lie here before the socket is no longer read."


SMALL: Final = 512
"Octets below which pieces are put together: an object of its own costs each of them some fifty more."
BLOCK: Final = 16 << 10
"Octets up to which they are."


class Pieces:
    """What came in pieces, however small, in little more memory than it needs."""

    __slots__ = ("_first", "_more", "size")

    def __init__(self) -> None:
        self._first = b""
        "Often the only piece, which needs no list."
        self._more: list[bytes | bytearray] | None = None
        self.size = 0
        "Octets."

    def add(self, piece: bytes) -> None:
        """More has come."""
        if not self.size:
            self._first, self.size = piece, len(piece)
            return
        self.size += len(piece)
        if self._more is None:
            self._first, self._more = b"", [self._first]
        pieces = self._more
        last = pieces[-1]
        if len(piece) >= SMALL or len(last) >= BLOCK:
            pieces.append(piece)
        elif isinstance(last, bytearray):
            last += piece
        else:
            pieces[-1] = bytearray(last) + piece

    def look(self) -> bytes:
        """All of it."""
        return self._first if self._more is None else b"".join(self._more)

    def consume(self) -> bytes:
        """All of it, which is here no more."""
        octets = self.look()
        self._first, self._more, self.size = b"", None, 0
        return octets


class ReadableTransport(Protocol):
    """The reading side of a transport."""

    def pause_reading(self) -> None:
        """Read no more."""
        ...

    def resume_reading(self) -> None:
        """Read on."""
        ...


class IncomingBody:
    """One body on its way in; written by its connection, read by one exchange."""

    __slots__ = ("_flow", "_paused", "_pieces", "ended", "failure", "invite", "length", "received")

    def __init__(self, flow: ReadableTransport, length: int | None) -> None:
        self._flow = flow
        self._pieces = Pieces()
        self._paused = False
        self.length = length
        "By Content-Length; None when only its end will tell."
        self.received = 0
        self.ended = False
        self.failure: Exception | None = None
        "Why the rest will never come."
        self.invite: Callable[[], None] | None = None
        "Asks a sender that waits for it (Expect: 100-continue) for the body; called once at most."

    def push(self, content: bytes) -> None:
        """More has come."""
        self.invite = None
        self._pieces.add(content)
        self.received += len(content)
        if self._pieces.size > HIGH_WATER and not self._paused:
            self._paused = True
            self._flow.pause_reading()

    def fill(self, content: bytes) -> None:
        """It came whole."""
        if content:
            self._pieces.add(content)
            self.received = len(content)
        self.ended = True

    def end(self) -> None:
        """That was all."""
        self.ended = True

    def fail(self, failure: Exception) -> None:
        """The rest will never come; once it has ended, nothing can go wrong with it."""
        if not self.ended:
            self.failure = self.failure or failure

    def overrun(self, failure: Exception) -> None:
        """Octets have come behind its end that the sender may mean to belong to it."""
        self.failure = failure

    @property
    def overrun_by(self) -> Exception | None:
        """Why what came behind its end makes the whole request doubtful."""
        return self.failure if self.ended else None

    @property
    def waiting(self) -> bool:
        """Whether `read` would have to wait."""
        return not (self._pieces.size or self.ended or self.failure)

    @property
    def paused(self) -> bool:
        """Whether we do not read, so that the other side is not to blame for silence."""
        return self._paused

    @property
    def uninvited(self) -> bool:
        """Whether the other side still waits for being asked for the body."""
        return self.invite is not None

    def want(self) -> None:
        """The reader is about to wait."""
        invite, self.invite = self.invite, None
        if invite is not None:
            invite()

    def consume(self) -> bytes:
        """All that lies here."""
        if not self._pieces.size:
            return b""
        octets = self._pieces.consume()
        if self._paused:
            self._paused = False
            self._flow.resume_reading()
        return octets

    async def beginning(self, most: int) -> bytes:
        """What has come by its end, its failure, or when it has more than `most` octets; all of it stays here."""
        while self._pieces.size <= most and not self.ended and not self.failure:
            await woken()
        return self._pieces.look()

    async def read(self) -> bytes:
        """What comes next, or nothing at the end; raises `failure`."""
        while not self._pieces.size:
            if self.failure:
                raise self.failure
            if self.ended:
                return b""
            self.want()
            await woken()
        return self.consume()
