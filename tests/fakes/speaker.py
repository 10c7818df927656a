"""A server that reads once, says something, and hangs up."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def speaker(says: bytes | None = b"", tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Its port; None says nothing until the other side hangs up."""
    served: list[asyncio.Task[Any] | None] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        await reader.read(65536)
        if says is None:
            await reader.read()
        else:
            writer.write(says)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(speak, "127.0.0.1", 0, ssl=tls) as listening:
        yield int(listening.sockets[0].getsockname()[1])
    await asyncio.gather(*filter(None, served), return_exceptions=True)
