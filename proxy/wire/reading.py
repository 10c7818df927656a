"""Reading from sockets in pieces of bounded size, into one buffer that all connections of the process share.

The event loops' own pieces are of up to 256 KiB, and with a few of them waiting in each of fifty uploads that is memory
for nothing. A callback takes what is in the buffer before it returns, so that one is enough.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any, Protocol

PIECE = 48 << 10
"Octets at a time."
BUFFER = memoryview(bytearray(PIECE))
"What a callback was given to read."


class ConnectionProtocol(Protocol):
    """What hears of a connection: as asyncio.Protocol, but without deriving from it, so that it can be compiled."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there, TLS included."""
        ...

    def data_received(self, octets: bytes) -> None:
        """Octets in clear."""
        ...

    def eof_received(self) -> Any:
        """The peer has ended its side, in good order."""
        ...

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        ...

    def pause_writing(self) -> None:
        """The peer reads slowly."""
        ...

    def resume_writing(self) -> None:
        """It has caught up."""
        ...


class SharedBuffer(asyncio.BufferedProtocol):
    """A protocol that reads into the one buffer."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the event loop writes to."""
        del sizehint
        return BUFFER


class PieceReader(SharedBuffer):
    """The event loop's protocol of a connection in clear."""

    def __init__(self, upper: ConnectionProtocol) -> None:
        self._upper = upper
        self._received = upper.data_received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._upper.connection_made(transport)

    def buffer_updated(self, nbytes: int) -> None:
        """So many octets have come."""
        self._received(bytes(BUFFER[:nbytes]))

    def eof_received(self) -> bool | None:
        """The peer has ended its side."""
        ended: bool | None = self._upper.eof_received()
        return ended

    def connection_lost(self, error: Exception | None) -> None:
        """It is over; what this one holds would be held in a ring."""
        upper = self._upper
        del self._upper, self._received
        upper.connection_lost(error)

    def pause_writing(self) -> None:
        """The peer reads slowly."""
        self._upper.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._upper.resume_writing()


def left_behind(descriptor: int) -> Iterator[bytes]:
    """What a socket still holds whose connection is broken: the peer's last words, if it had any.

    A server that answers early and closes resets the connection; our next write fails, and event loops then end the
    connection without reading on. The system still has what came before the reset.
    """
    while True:
        try:
            octets = os.read(descriptor, PIECE)
        except OSError:
            return
        if not octets:
            return
        yield octets
