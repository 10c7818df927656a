"""Reading in pieces."""

import socket

import pytest

from proxy.wire.reading import BUFFER, PIECE, PieceReader, left_behind


class Reader(PieceReader):
    """Keeps what has come."""

    def __init__(self) -> None:
        self.came: list[bytes] = []

    def data_received(self, octets: bytes) -> None:
        """Keep it."""
        self.came.append(octets)


def test_what_was_read_is_the_readers_own() -> None:
    """The buffer is everybody's, and the next reading overwrites it."""
    reader = Reader()
    for octets in (b"first", b"no. 2"):
        reader.get_buffer(-1)[: len(octets)] = octets
        reader.buffer_updated(len(octets))
    assert (reader.came, len(BUFFER)) == ([b"first", b"no. 2"], PIECE)


def test_whoever_reads_says_what_is_done_with_it() -> None:
    """There is no reader without."""
    with pytest.raises(NotImplementedError):
        PieceReader().data_received(b"x")


def test_the_last_words_on_a_broken_connection_are_found() -> None:
    """Up to the error, to the end, or to where nothing more is there."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        theirs.sendall(b"x" * (PIECE + 1))
        assert [len(piece) for piece in left_behind(ours.fileno())] == [PIECE, 1]
        theirs.sendall(b"last")
        theirs.close()
        assert list(left_behind(ours.fileno())) == [b"last"]
        assert list(left_behind(ours.fileno())) == []
