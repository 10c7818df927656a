"""Reading in pieces."""

import asyncio
import socket

from proxy.wire.reading import BUFFER, PIECE, PieceReader, left_behind
from tests.fakes.transport import MemoryTransport


class Upper:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.heard.append(transport)

    def data_received(self, octets: bytes) -> None:
        """Keep it."""
        self.heard.append(octets)

    def eof_received(self) -> bool:
        """Keep it."""
        self.heard.append("end")
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Keep it."""
        self.heard.append(error)

    def pause_writing(self) -> None:
        """Keep it."""
        self.heard.append("pause")

    def resume_writing(self) -> None:
        """Keep it."""
        self.heard.append("resume")


def test_a_connection_hears_all_that_the_event_loop_tells() -> None:
    """The next reading overwrites the buffer."""
    upper, transport, error = Upper(), MemoryTransport(), OSError()
    reader = PieceReader(upper)
    reader.connection_made(transport)
    for octets in (b"first", b"no. 2"):
        reader.get_buffer(-1)[: len(octets)] = octets
        reader.buffer_updated(len(octets))
    reader.pause_writing()
    reader.resume_writing()
    assert reader.eof_received()
    reader.connection_lost(error)

    assert upper.heard == [transport, b"first", b"no. 2", "pause", "resume", "end", error]
    assert len(BUFFER) == PIECE
    assert vars(reader) == {}


def test_the_last_words_on_a_broken_connection_are_found() -> None:
    """Up to the end, or to an error."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        theirs.sendall(b"x" * (PIECE + 1))
        assert [len(piece) for piece in left_behind(ours.fileno())] == [PIECE, 1]
        theirs.sendall(b"last")
        theirs.close()
        assert list(left_behind(ours.fileno())) == [b"last"]
        assert list(left_behind(ours.fileno())) == []
