"""The body of a request: in memory or in a file, so that it can be sent again, or else streamed once."""

from typing import Protocol

from proxy.errors import BodyTooLarge
from proxy.forwarding.spool import Spool, SpoolFile
from proxy.wire.body import IncomingBody, Pieces
from proxy.wire.framing import WITH_BODY
from proxy.wire.grammar import CHUNKED, UNSAID


class BufferedBody:
    """A whole body in memory. It can be sent any number of times."""

    __slots__ = ("_incoming", "content")
    replayable = True

    def __init__(self, content: bytes, incoming: IncomingBody | None = None) -> None:
        self.content = content
        self._incoming = incoming

    @property
    def overrun(self) -> Exception | None:
        """The error if bytes followed a request without a length, so that this body may not be all of it."""
        return None if self._incoming is None else self._incoming.overrun_by

    def close(self) -> None:
        """Does nothing."""


class BodyReader(Protocol):
    """Reads a body that is not in memory."""

    @property
    def waiting(self) -> bool:
        """Whether `read` would have to wait for the sender."""
        ...

    @property
    def broken(self) -> bool:
        """Whether the body has failed, so that its end will never arrive."""
        ...

    def want(self) -> None:
        """Asks the sender for the body, if it waits for 100 (Continue)."""
        ...

    async def read(self) -> bytes:
        """Returns the next piece, or b"" at the end. Raises BodyTooLarge above `max_body`."""
        ...


class BodyFile(Protocol):
    """A file with a whole body."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def read(self, at: int) -> bytes:
        """Returns a piece from the byte `at` on, or b"" at the end. Raises a ProxyError if the disk fails."""
        ...

    def close(self) -> None:
        """Ends its use."""
        ...


class SpooledBody:
    """A whole body in a file. It can be read any number of times."""

    __slots__ = ("file", "length")
    replayable = True
    overrun: Exception | None = None
    "Only the empty body of a request without a length can be overrun."

    def __init__(self, file: BodyFile) -> None:
        self.file = file
        self.length = file.size

    def reader(self) -> "SpoolReader":
        """Returns a reader that begins at the first byte."""
        return SpoolReader(self.file)

    def close(self) -> None:
        """Deletes the file."""
        self.file.close()


class SpoolReader:
    """Reads a file once, from its first byte."""

    __slots__ = ("_at", "_file")
    waiting = False
    broken = False

    def __init__(self, file: BodyFile) -> None:
        self._file = file
        self._at = 0

    def want(self) -> None:
        """Does nothing, because the whole body is in the file."""

    async def read(self) -> bytes:
        """Returns the next piece, or b"" at the end."""
        piece = await self._file.read(self._at)
        self._at += len(piece)
        return piece


class StreamedBody:
    """A body that is passed on as it arrives. It can be sent again until the first read."""

    __slots__ = ("_begun", "_file", "_incoming", "_most", "_spooled", "length", "replayable")
    overrun: Exception | None = None
    "See SpooledBody."

    def __init__(self, begun: bytes, incoming: IncomingBody, most: int, file: SpoolFile | None = None) -> None:
        self._file = file
        "Holds what arrived before `begun`."
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
        """Whether the body has failed, so that its end will never arrive."""
        return self._incoming.failure is not None

    def reader(self) -> "StreamedBody":
        """Returns itself, because it can be read once only."""
        return self

    def want(self) -> None:
        """Asks the sender for the body, if it waits for 100 (Continue)."""
        self._incoming.want()

    async def read(self) -> bytes:
        """Returns the next piece, or b"" at the end. Raises BodyTooLarge above `max_body`."""
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
        """Deletes the file, if there is one."""
        if self._file is not None:
            self._file.close()


Body = BufferedBody | SpooledBody | StreamedBody


def length_of(body: Body, method: str) -> int:
    """Returns the length for the upstream: bytes, CHUNKED, or UNSAID for an empty GET (RFC 9110 §8.6)."""
    if isinstance(body, BufferedBody):
        return len(body.content) if body.content or method in WITH_BODY else UNSAID
    return CHUNKED if body.length is None else body.length


class BodyLimits(Protocol):
    """The limits of a body in bytes; a route has them."""

    @property
    def buffer(self) -> int:
        """The largest body in memory."""
        ...

    @property
    def spool(self) -> int:
        """The largest body in a file; 0 for no file."""
        ...

    @property
    def max_body(self) -> int:
        """The largest body that is accepted."""
        ...


def body_in_memory(incoming: IncomingBody, most: int) -> BufferedBody | None:
    """Returns the body if all of it has arrived and has at most `most` bytes, as with most messages; else None."""
    if not incoming.ended or incoming.received > most:
        return None
    return BufferedBody(incoming.consume(), incoming)


async def collect(incoming: IncomingBody, limits: BodyLimits, files: Spool | None = None) -> Body:
    """Returns the whole body if it fits into `buffer` or `spool`, else a stream. Raises BodyTooLarge."""
    spool = limits.spool if files else 0
    if incoming.length is not None:
        refuse_above(incoming.length, limits.max_body)
        if incoming.length > max(limits.buffer, spool):
            return StreamedBody(b"", incoming, limits.max_body)
    pieces = Pieces()
    while piece := await incoming.read():
        refuse_above(incoming.received, limits.max_body)
        pieces.add(piece)
        if incoming.received > limits.buffer:
            if files and incoming.received <= spool:
                return await _spooled(pieces.consume(), incoming, limits, files)
            return StreamedBody(pieces.consume(), incoming, limits.max_body)
    return BufferedBody(pieces.consume(), incoming)


async def _spooled(begun: bytes, incoming: IncomingBody, limits: BodyLimits, files: Spool) -> Body:
    """Returns the body in a file, or a stream if it outgrows `spool` or the disk."""
    try:
        file = await files.open()
    except OSError as error:
        files.failed(error)
        return StreamedBody(begun, incoming, limits.max_body)
    piece = begun
    try:
        while piece and incoming.received <= limits.spool:
            await file.append(piece)
            piece = await incoming.read()
            refuse_above(incoming.received, limits.max_body)
    except OSError as error:
        files.failed(error)
        return StreamedBody(piece, incoming, limits.max_body, file)
    except BaseException:
        file.close()
        raise
    return StreamedBody(piece, incoming, limits.max_body, file) if piece else SpooledBody(file)


def refuse_above(size: int, most: int) -> None:
    """Raises BodyTooLarge if the size exceeds `most`, which is `max_body`."""
    if size > most:
        raise BodyTooLarge(f"The body has more than {most} bytes; increase the route's `max_body`, or send less.")
