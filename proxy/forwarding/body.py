"""The body of a request as the attempts see it: in memory or in a file and replayable, else streamed once."""

from typing import Protocol

from proxy.errors import BodyTooLarge
from proxy.forwarding.spool import Spool, SpoolFile
from proxy.wire.body import IncomingBody, Pieces
from proxy.wire.framing import WITH_BODY
from proxy.wire.grammar import CHUNKED, UNSAID


class BufferedBody:
    """A whole body in memory: goes out with Content-Length, as often as need be."""

    __slots__ = ("_incoming", "content")
    replayable = True

    def __init__(self, content: bytes, incoming: IncomingBody | None = None) -> None:
        self.content = content
        self._incoming = incoming

    @property
    def overrun(self) -> Exception | None:
        """Why what came behind it makes it doubtful."""
        return None if self._incoming is None else self._incoming.overrun_by

    def close(self) -> None:
        """There is nothing to close."""


class Reader(Protocol):
    """What an attempt reads a body from that is not in memory."""

    @property
    def waiting(self) -> bool:
        """Whether `read` would have to wait for the sender."""
        ...

    @property
    def broken(self) -> bool:
        """Whether its end will never come."""
        ...

    def want(self) -> None:
        """Tell the sender that the body is wanted."""
        ...

    async def read(self) -> bytes:
        """What comes next, or nothing at the end; BodyTooLarge above `max_body`."""
        ...


class SpooledBody:
    """A whole body in a file: read from its first octet as often as need be."""

    __slots__ = ("_file", "length")
    replayable = True
    overrun: Exception | None = None
    "Only a body that nobody has mentioned can be overrun, and that one is empty."

    def __init__(self, file: SpoolFile) -> None:
        self._file = file
        self.length = file.size

    def reader(self) -> "SpoolReader":
        """From the first octet."""
        return SpoolReader(self._file)

    def close(self) -> None:
        """It is needed no more."""
        self._file.close()


class SpoolReader:
    """One reading of a file from its first octet; nobody has to be waited for."""

    __slots__ = ("_at", "_file")
    waiting = False
    broken = False

    def __init__(self, file: SpoolFile) -> None:
        self._file = file
        self._at = 0

    def want(self) -> None:
        """It is all there."""

    async def read(self) -> bytes:
        """What comes next, or nothing at the end."""
        piece = await self._file.read(self._at)
        self._at += len(piece)
        return piece


class StreamedBody:
    """A body that passes through; replayable as long as nothing of it has been read from here."""

    __slots__ = ("_begun", "_file", "_incoming", "_most", "_spooled", "length", "replayable")
    overrun: Exception | None = None
    "As of one in a file."

    def __init__(self, begun: bytes, incoming: IncomingBody, most: int, file: SpoolFile | None = None) -> None:
        self._file = file
        "Holds what came before `begun`."
        self._spooled = None if file is None else SpoolReader(file)
        self._begun = begun
        self._incoming = incoming
        self._most = most
        self.length = incoming.length
        self.replayable = True

    @property
    def waiting(self) -> bool:
        """Whether `read` would have to wait for the sender."""
        return self._spooled is None and not self._begun and self._incoming.waiting

    @property
    def broken(self) -> bool:
        """Whether its end will never come."""
        return self._incoming.failure is not None

    def reader(self) -> "StreamedBody":
        """The one and only."""
        return self

    def want(self) -> None:
        """Tell the sender that the body is wanted."""
        self._incoming.want()

    async def read(self) -> bytes:
        """What comes next, or nothing at the end; BodyTooLarge above `max_body`."""
        self.replayable = False
        if self._spooled is not None:
            if piece := await self._spooled.read():
                return piece
            self._spooled = None
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        piece = await self._incoming.read()
        refuse_above(self._incoming.received, self._most)
        return piece

    def close(self) -> None:
        """It is needed no more."""
        if self._file is not None:
            self._file.close()


Body = BufferedBody | SpooledBody | StreamedBody


def length_of(body: Body, method: str) -> int:
    """How the length of the body is told to the upstream; an empty GET has none (RFC 9110 §8.6)."""
    if isinstance(body, BufferedBody):
        return len(body.content) if body.content or method in WITH_BODY else UNSAID
    return CHUNKED if body.length is None else body.length


class Room(Protocol):
    """How much of a body is kept, in octets; a route's settings."""

    @property
    def buffer(self) -> int:
        """In memory."""
        ...

    @property
    def spool(self) -> int:
        """In a file; 0 for no file."""
        ...

    @property
    def max_body(self) -> int:
        """At most let through."""
        ...


def arrived(incoming: IncomingBody, most: int) -> BufferedBody | None:
    """The body if all of it is here, in `most` octets: for most messages nothing has to be waited for."""
    if not incoming.ended or incoming.received > most:
        return None
    return BufferedBody(incoming.take(), incoming)


async def collect(incoming: IncomingBody, room: Room, files: Spool | None = None) -> Body:
    """The whole body if it has at most `buffer` or `spool` octets, else what will stream it; BodyTooLarge."""
    spool = room.spool if files else 0
    if incoming.length is not None:
        refuse_above(incoming.length, room.max_body)
        if incoming.length > max(room.buffer, spool):
            return StreamedBody(b"", incoming, room.max_body)
    pieces = Pieces()
    while piece := await incoming.read():
        refuse_above(incoming.received, room.max_body)
        pieces.add(piece)
        if incoming.received > room.buffer:
            if files and incoming.received <= spool:
                return await _spooled(pieces.take(), incoming, room, files)
            return StreamedBody(pieces.take(), incoming, room.max_body)
    return BufferedBody(pieces.take(), incoming)


async def _spooled(begun: bytes, incoming: IncomingBody, room: Room, files: Spool) -> Body:
    """The body in a file; streamed after all if it outgrows `spool`, or the disk."""
    try:
        file = await files.open()
    except OSError as error:
        files.failed(error)
        return StreamedBody(begun, incoming, room.max_body)
    piece = begun
    try:
        while piece and incoming.received <= room.spool:
            await file.append(piece)
            piece = await incoming.read()
            refuse_above(incoming.received, room.max_body)
    except OSError as error:
        files.failed(error)
        return StreamedBody(piece, incoming, room.max_body, file)
    except BaseException:
        file.close()
        raise
    return StreamedBody(piece, incoming, room.max_body, file) if piece else SpooledBody(file)


def refuse_above(size: int, most: int) -> None:
    """BodyTooLarge if there are more octets than `max_body`."""
    if size > most:
        raise BodyTooLarge(f"The body has more than {most} octets; raise the route's `max_body` or send less.")
