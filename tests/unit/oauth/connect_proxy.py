"""A corporate proxy on a real socket, which keeps the head of each request."""

import asyncio
from types import TracebackType
from typing import Self


class ConnectProxy:
    """Opens tunnels, or refuses each CONNECT with `status`."""

    def __init__(self, status: int = 200, *fields: str) -> None:
        self._status = status
        self._fields = fields
        self._server: asyncio.Server | None = None
        self.port = 0
        "Where it listens."
        self._tasks: set[asyncio.Task[None]] = set()
        self.heads: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            writer.write("\r\n".join([f"HTTP/1.1 {self._status} ", *self._fields, "", ""]).encode())
            await writer.drain()
            if self._status == 200:
                host, _, port = head.split(" ")[1].rpartition(":")
                there = await asyncio.open_connection(host, int(port))
                writers.append(there[1])
                await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for each in writers:
                each.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()
