"""A body between the connection that reads it and the exchange that consumes it."""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.wire.coroutine_runner import woken

HIGH_WATER: Final = 32 << 10
"Bytes that may wait here before reading from the socket is paused."


SMALL: Final = 512
"Pieces below this many bytes are joined, because an object of its own costs each some fifty more."
BLOCK: Final = 16 << 10
"Bytes up to which they are joined."


class Pieces:
    """Bytes that came in pieces, however small, in little more memory than they need."""

    __slots__ = ("_first", "_more", "size")

    def __init__(self) -> None:
        self._first = b""
        "Often the only piece, which needs no list."
        self._more: list[bytes | bytearray] | None = None
        self.size = 0
        "Octets."

    def add(self, piece: bytes) -> None:
        """Adds a piece."""
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
        """Returns all bytes."""
        return self._first if self._more is None else b"".join(self._more)

    def consume(self) -> bytes:
        """Returns and forgets all bytes."""
        octets = self.look()
        self._first, self._more, self.size = b"", None, 0
        return octets


class ReadableTransport(Protocol):
    """The reading side of a transport."""

    def pause_reading(self) -> None:
        """Pauses reading."""
        ...

    def resume_reading(self) -> None:
        """Resumes reading."""
        ...


class IncomingBody:
    """One incoming body, written by its connection and read by one exchange."""

    __slots__ = ("_flow", "_paused", "_pieces", "ended", "failure", "invite", "length", "received", "tap")

    def __init__(self, flow: ReadableTransport, length: int | None) -> None:
        self._flow = flow
        self._pieces = Pieces()
        self._paused = False
        self.length = length
        "By Content-Length; None if only its end will tell."
        self.received = 0
        self.ended = False
        self.failure: Exception | None = None
        "Why the rest will not come."
        self.invite: Callable[[], None] | None = None
        "Asks for the body if the sender waits for that (Expect: 100-continue); called once at most."
        self.tap: Callable[[bytes], object] | None = None
        "Gets a copy of what is consumed, if the exchange is recorded."

    def push(self, content: bytes) -> None:
        """Adds content; pauses reading above HIGH_WATER."""
        self.invite = None
        self._pieces.add(content)
        self.received += len(content)
        if self._pieces.size > HIGH_WATER and not self._paused:
            self._paused = True
            self._flow.pause_reading()

    def fill(self, content: bytes) -> None:
        """Sets the whole content."""
        if content:
            self._pieces.add(content)
            self.received = len(content)
        self.ended = True

    def end(self) -> None:
        """Marks the body as complete."""
        self.ended = True

    def fail(self, failure: Exception) -> None:
        """Sets the failure, unless the body is complete."""
        if not self.ended:
            self.failure = self.failure or failure

    def overrun(self, failure: Exception) -> None:
        """Sets the failure of a complete body that more bytes follow, which may be meant as a part of it."""
        self.failure = failure

    @property
    def overrun_by(self) -> Exception | None:
        """The failure of a complete body, because of the bytes that follow it."""
        return self.failure if self.ended else None

    @property
    def waiting(self) -> bool:
        """Whether `read` would have to wait."""
        return not (self._pieces.size or self.ended or self.failure)

    @property
    def paused(self) -> bool:
        """Whether reading is paused, so that the peer is not to blame for silence."""
        return self._paused

    @property
    def uninvited(self) -> bool:
        """Whether the peer still waits to be asked for the body."""
        return self.invite is not None

    def want(self) -> None:
        """Asks for the body if the peer waits for that; is called before the reader waits."""
        invite, self.invite = self.invite, None
        if invite is not None:
            invite()

    def consume(self) -> bytes:
        """Returns what is here, and resumes reading."""
        if not self._pieces.size:
            return b""
        octets = self._pieces.consume()
        if self._paused:
            self._paused = False
            self._flow.resume_reading()
        if self.tap is not None:
            self.tap(octets)
        return octets

    async def beginning(self, most: int) -> bytes:
        """Waits for the end, a failure or more than `most` bytes. Returns what is here, and keeps it."""
        while self._pieces.size <= most and not self.ended and not self.failure:
            await woken()
        return self._pieces.look()

    async def read(self) -> bytes:
        """Returns the next content, or nothing at the end. Raises `failure`."""
        while not self._pieces.size:
            if self.failure:
                raise self.failure
            if self.ended:
                return b""
            self.want()
            await woken()
        return self.consume()
