"""An upstream on a real socket, and a pool of connections to it."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trustme

from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.origin import UpstreamOrigin
from proxy.upstream.pool import Pool
from proxy.wire.coroutine_runner import Wakeable
from tests.fakes.heads import RESPONSES
from tests.fakes.loop import HandLoop

PATIENCE = 30.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REQUEST = b"GET / HTTP/1.1\r\nHost: u\r\n\r\n"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Upstream:
    """A server whose conversations are one function."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.heard: list[bytes] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.accepted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        self.accepted += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


def shut(writer: asyncio.StreamWriter) -> None:
    """End the TCP connection below TLS."""
    with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request."""
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()


@asynccontextmanager
async def upstream(talk: Talk = answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Upstream, int]]:
    """A server and its port."""
    made = Upstream(talk)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield made, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


@asynccontextmanager
async def pool(
    port: int, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Pool, HandLoop]]:
    """A pool, and the clock of its deadlines."""
    loop = HandLoop(monotonic=0.0)
    made = Pool(UpstreamOrigin(host=host, port=port, tls=tls), loop.deadlines(), reader=RESPONSES, idle_timeout=30)
    try:
        yield made, loop
    finally:
        await made.close()


class Woken(Wakeable):
    """Keeps whether a connection has changed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Wake who waits."""
        self._event.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds after a ring."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._event.wait()
                self._event.clear()


async def ask(connection: UpstreamConnection, octets: bytes = REQUEST) -> bytes:
    """Return the body of the answer, or raise its failure."""
    woken = Woken()
    connection.lease(woken, "GET", 60)
    connection.send(octets)
    connection.end_request()
    await woken.until(lambda: connection.failure is not None or (connection.body is not None and connection.body.ended))
    if connection.failure is not None:
        raise connection.failure
    assert connection.body is not None
    return connection.body.consume()


async def turns_until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


def server_context(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    """What a server presents."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return context
