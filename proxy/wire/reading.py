"""Reading from sockets in pieces of bounded size, into one buffer that all connections of the process share.

The event loops' own pieces are of up to 256 KiB, and with a few of them waiting in each of fifty uploads that is memory
for nothing. A callback takes what is in the buffer before it returns, so that one is enough.
"""

import asyncio
import os
from collections.abc import Iterator

PIECE = 48 << 10
"Octets at a time."
BUFFER = memoryview(bytearray(PIECE))
"What a callback was given to read."


class PieceReader(asyncio.BufferedProtocol):
    """What a connection derives from: `data_received` gets the octets as asyncio.Protocol's does."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the event loop writes to."""
        del sizehint
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """So many octets have come."""
        self.data_received(bytes(BUFFER[:nbytes]))

    def data_received(self, octets: bytes) -> None:
        """Octets have come."""
        raise NotImplementedError


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
