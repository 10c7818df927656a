"""A scripted upstream on a real socket."""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.fakes import stream_server
from tests.fakes.stream_server import StreamServer

PATIENCE = 30.0
"Seconds after which a test that waits in vain fails; none waits that long when it passes."

Line = Callable[["Call"], Awaitable[None]]
"What the upstream does about one request."


@dataclass(slots=True)
class Received:
    """As octets, with as much of the body as was read."""

    connection: int
    "The how-manieth connection it came over, from 1."
    head: bytes
    "With its last line end."
    body: bytearray = field(default_factory=bytearray)

    @property
    def method(self) -> bytes:
        return self.head.split(b" ", 1)[0]

    @property
    def target(self) -> bytes:
        return self.head.split(b" ", 2)[1]

    @property
    def lines(self) -> list[bytes]:
        return self.head.split(b"\r\n")[1:-2]

    def field(self, name: bytes) -> list[bytes]:
        """In order."""
        pairs = (line.partition(b":") for line in self.lines)
        return [value.strip() for each, _, value in pairs if each.lower() == name.lower()]


class Call:
    """A request and its connection."""

    def __init__(self, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.received = received
        self._reader = reader
        self._writer = writer
        self._read = False

    async def body(self) -> bytes:
        """To its end, noted piece by piece."""
        if not self._read:
            self._read = True
            if self.received.field(b"Transfer-Encoding"):
                await self._chunks()
            else:
                await self._take(int((self.received.field(b"Content-Length") or [b"0"])[0]))
        return bytes(self.received.body)

    async def read(self, count: int) -> None:
        """Of the body."""
        await self._take(count)

    async def send(self, octets: bytes) -> None:
        self._writer.write(octets)
        await self._writer.drain()

    async def send_singly(self, octets: bytes) -> None:
        """Octet by octet, a turn of the event loop between two."""
        for octet in octets:
            await self.send(bytes([octet]))
            await asyncio.sleep(0)

    async def ended(self) -> None:
        """By the other side, whatever it still sent."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(1 << 16):
                pass

    def close(self) -> None:
        """After what was sent."""
        self._writer.close()

    def abandon(self) -> None:
        """Below TLS, without saying so above."""
        self._writer.transport.abort()

    def reset(self) -> None:
        stream_server.reset(self._writer.transport)

    async def _take(self, count: int) -> None:
        while count:
            piece = await self._reader.read(min(count, 1 << 16))
            if not piece:
                raise asyncio.IncompleteReadError(b"", count)
            self.received.body += piece
            count -= len(piece)

    async def _chunks(self) -> None:
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            await self._take(size)
            await self._reader.readexactly(2)
        await self._reader.readuntil(b"\r\n")


def answering(octets: bytes) -> Line:
    """Read all, then send this as it is."""

    async def line(call: Call) -> None:
        await call.body()
        await call.send(octets)

    return line


def answer(status: int = 200, *fields: bytes, body: bytes = b"", reason: bytes = b"") -> Line:
    """Read all, then answer with Content-Length."""
    return answering(head(status, *fields, b"Content-Length: %d" % len(body), reason=reason) + body)


def head(status: int, *fields: bytes, reason: bytes = b"") -> bytes:
    """Of an answer."""
    return b"\r\n".join([b"HTTP/1.1 %d %b" % (status, reason), *fields, b"", b""])


class Held:
    """Answers `done` when it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        await call.body()
        async with asyncio.timeout(PATIENCE):
            await self.go.wait()
        await answer(200, body=b"done")(call)


async def hang_up(call: Call) -> None:
    """Read all, then close."""
    await call.body()
    call.close()


async def reset(call: Call) -> None:
    """Read all, then reset."""
    await call.body()
    call.reset()


async def hang(call: Call) -> None:
    """Read all, and wait until the other side goes."""
    await call.body()
    await call.ended()


class Upstream(StreamServer):
    """Follows its script, and repeats the last line. A context manager."""

    def __init__(
        self, *script: Line, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(tls=tls, host=host, port=port)
        self.script = deque(script or (answer(),))
        self._changed = asyncio.Event()
        self.requests: list[Received] = []

    def follow(self, *script: Line) -> None:
        self.script = deque(script)

    @property
    def bodies(self) -> list[bytes]:
        """As far as they came."""
        return [bytes(each.body) for each in self.requests]

    async def reach(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.requests) < count:
                await self._changed.wait()

    async def converse(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            received = Received(number, await reader.readuntil(b"\r\n\r\n"))
            self.requests.append(received)
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
            line = self.script.popleft() if len(self.script) > 1 else self.script[0]
            await line(Call(received, reader, writer))
