"""The body of a request as the attempts see it: in memory and replayable when small, else streamed once."""

from proxy.errors import BodyTooLarge
from proxy.wire.body import IncomingBody


class BufferedBody:
    """A whole body in memory: goes out with Content-Length, as often as need be."""

    __slots__ = ("content",)
    replayable = True

    def __init__(self, content: bytes) -> None:
        self.content = content


class StreamedBody:
    """A body that passes through; replayable as long as nothing of it has been read from here."""

    __slots__ = ("_begun", "_incoming", "_most", "length", "replayable")

    def __init__(self, begun: list[bytes], incoming: IncomingBody, most: int) -> None:
        self._begun = begun
        self._incoming = incoming
        self._most = most
        self.length = incoming.length
        self.replayable = True

    @property
    def waiting(self) -> bool:
        """Whether `read` would have to wait."""
        return not self._begun and self._incoming.waiting

    @property
    def broken(self) -> bool:
        """Whether its end will never come."""
        return self._incoming.failure is not None

    def want(self) -> None:
        """Tell the sender that the body is wanted."""
        self._incoming.want()

    async def read(self) -> bytes:
        """What comes next, or nothing at the end; BodyTooLarge above `max_body`."""
        self.replayable = False
        if self._begun:
            begun, self._begun = b"".join(self._begun), []
            return begun
        piece = await self._incoming.read()
        refuse_above(self._incoming.received, self._most)
        return piece


Body = BufferedBody | StreamedBody


async def collect(incoming: IncomingBody, *, buffer: int, max_body: int) -> Body:
    """The body in memory if it has at most `buffer` octets, else what will stream it; BodyTooLarge above `max_body`."""
    if incoming.length is not None:
        refuse_above(incoming.length, max_body)
        if incoming.length > buffer:
            return StreamedBody([], incoming, max_body)
    pieces: list[bytes] = []
    while piece := await incoming.read():
        refuse_above(incoming.received, max_body)
        pieces.append(piece)
        if incoming.received > buffer:
            return StreamedBody(pieces, incoming, max_body)
    return BufferedBody(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def refuse_above(size: int, most: int) -> None:
    """BodyTooLarge if there are more octets than `max_body`."""
    if size > most:
        raise BodyTooLarge(f"The body has more than {most} octets; raise the route's `max_body` or send less.")
