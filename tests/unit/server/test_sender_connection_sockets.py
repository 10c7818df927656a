"""The connection of a sender on real sockets."""

import asyncio
import socket
import struct
from typing import cast

from proxy.server.sender_connection import SenderConnection
from proxy.wire.reading import PieceReader
from tests.unit.server.memory_server import GET, MemoryServer


async def test_a_sender_that_resets_at_once_is_not_taken_for_a_unix_socket() -> None:
    """Its bytes may outlive its address; none is served."""
    memory = MemoryServer()
    memory.answers = [b"<ok>"]
    loop = asyncio.get_running_loop()
    lost = asyncio.Event()

    class Watched(SenderConnection):
        """Tells when it is over."""

        def connection_lost(self, error: Exception | None) -> None:
            super().connection_lost(error)
            lost.set()

    server = await loop.create_server(lambda: PieceReader(Watched(memory.context)), "127.0.0.1", 0)
    sender = socket.create_connection(server.sockets[0].getsockname())
    sender.sendall(GET)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sender.close()
    async with asyncio.timeout(30):
        await lost.wait()
    server.close()

    assert all(cast("SenderConnection", request.sender).address for request in memory.requests)
    assert len(memory.connections) == 0
