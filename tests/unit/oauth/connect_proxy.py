"""A corporate proxy on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class ConnectProxy(NamedTuple):
    """Its port, and the head of each request."""

    port: int
    heads: list[str]


@asynccontextmanager
async def connect_proxy(status: int = 200, *fields: str) -> AsyncIterator[ConnectProxy]:
    """Open tunnels, or refuse each CONNECT with `status`."""
    tasks: set[asyncio.Task[None] | None] = set()
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write("\r\n".join([f"HTTP/1.1 {status} ", *fields, "", ""]).encode())
        if status == 200:
            host, _, port = heads[-1].split(" ")[1].rpartition(":")
            there = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer), return_exceptions=True)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield ConnectProxy(server.sockets[0].getsockname()[1], heads)
    server.close()
    for task in filter(None, tasks):
        task.cancel()
    await asyncio.gather(*filter(None, tasks), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
