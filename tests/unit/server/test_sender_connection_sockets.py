"""The connection of a sender on real sockets."""

import asyncio
import socket
import struct
from typing import cast

from proxy.server.sender_connection import SenderConnection
from proxy.wire.reading import PieceReader
from tests.unit.server.memory_server import GET, MemoryServer, post


async def test_a_sender_that_resets_at_once_is_not_taken_for_a_unix_socket() -> None:
    """Its octets may still be readable when its address no longer is; nothing of it is served."""
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


async def test_an_early_answer_is_not_lost_to_a_reset() -> None:
    """A sender that goes on sending reads it whole, and the end of the connection behind it."""
    memory = MemoryServer()
    memory.reads = False
    memory.answers = [b"<413>"]
    server = await asyncio.get_running_loop().create_server(
        lambda: PieceReader(SenderConnection(memory.context)), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(post(length=1 << 20))
    async with asyncio.timeout(30):
        assert await reader.readexactly(5) == b"<413>"
        for _ in range(10):
            writer.write(b"a" * (64 << 10))
            await writer.drain()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        while len(memory.connections):  # noqa: ASYNC110 - our side ends when it has read what was sent
            await asyncio.sleep(0)
    server.close()
