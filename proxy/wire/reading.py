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
    """The same as asyncio.Protocol, but not a base class, so that protocols can be compiled."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Is called when the connection is made, TLS included."""
        ...

    def data_received(self, octets: bytes) -> None:
        """Is called with decrypted bytes."""
        ...

    def eof_received(self) -> Any:
        """Is called when the peer has ended its side in order."""
        ...

    def connection_lost(self, error: Exception | None) -> None:
        """Is called when the connection has ended."""
        ...

    def pause_writing(self) -> None:
        """Is called when the peer reads slowly."""
        ...

    def resume_writing(self) -> None:
        """Is called when the peer has caught up."""
        ...


class SharedBuffer(asyncio.BufferedProtocol):
    """A protocol that reads into the shared buffer."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Returns the shared buffer."""
        del sizehint
        return BUFFER


class PieceReader(SharedBuffer):
    """The event loop's protocol for a connection without TLS."""

    def __init__(self, upper: ConnectionProtocol) -> None:
        self._upper = upper
        self._received = upper.data_received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Passes it on."""
        self._upper.connection_made(transport)

    def buffer_updated(self, nbytes: int) -> None:
        """Passes a copy of the bytes on."""
        self._received(bytes(BUFFER[:nbytes]))

    def eof_received(self) -> bool | None:
        """Passes it on."""
        ended: bool | None = self._upper.eof_received()
        return ended

    def connection_lost(self, error: Exception | None) -> None:
        """Passes it on, and drops its references, which would form a cycle."""
        upper = self._upper
        del self._upper, self._received
        upper.connection_lost(error)

    def pause_writing(self) -> None:
        """Is called when the peer reads slowly."""
        self._upper.pause_writing()

    def resume_writing(self) -> None:
        """Is called when the peer has caught up."""
        self._upper.resume_writing()


def left_behind(descriptor: int) -> Iterator[bytes]:
    """Yields what the socket of a broken connection still holds.

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
