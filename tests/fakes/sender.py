"""A sender on a raw socket: what it sends and reads are octets."""

import asyncio
import json
import ssl
from dataclasses import dataclass, replace
from typing import Any, Self

from tests.fakes import stream_server
from tests.fakes.upstream import PATIENCE

HOST = b"Host: proxy.example"
KEPT = 64 << 10
"Octets of what a sender has sent that are remembered."


def request(start: bytes, *fields: bytes, body: bytes | None = None) -> bytes:
    """Make a request from its line without the version, `POST /orders`; Host and Content-Length are added."""
    length = [] if body is None else [b"Content-Length: %d" % len(body)]
    return b"\r\n".join([start + b" HTTP/1.1", HOST, *fields, *length, b"", body or b""])


def chunked(*pieces: bytes) -> bytes:
    """Make a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came."""

    start: bytes
    "The status line."
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def status(self) -> int:
        """Of the status line."""
        return int(self.start.split(b" ", 2)[1])

    def field(self, name: bytes) -> list[bytes]:
        """All values of a field, in order."""
        return [value for each, value in self.fields if each.lower() == name.lower()]

    @property
    def problem(self) -> dict[str, Any]:
        """The body as a problem (RFC 9457); an assertion if it is none."""
        assert self.field(b"Content-Type") == [b"application/problem+json"]
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def code(self) -> str:
        """Which of our own answers it is."""
        return str(self.problem["code"])

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of an answer of our own."""
        return self.status, self.code


class Sender:
    """One connection."""

    patience = PATIENCE
    "Seconds for each step of the other side."

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.sent = bytearray()
        self.problems: list[Answer] = []
        "The answers that are the proxy's own."

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext | None = None) -> Self:
        """Connect to a port on loopback, whose certificate is for proxy.example."""
        async with asyncio.timeout(PATIENCE):
            name = "proxy.example" if tls else None
            return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name))

    async def send(self, octets: bytes) -> None:
        """Send."""
        self.sent += octets[: max(0, KEPT - len(self.sent))]
        self._writer.write(octets)
        async with asyncio.timeout(self.patience):
            await self._writer.drain()

    async def send_singly(self, octets: bytes) -> None:
        """Send octet by octet, with a turn of the event loop between two."""
        for octet in octets:
            await self.send(bytes([octet]))
            await asyncio.sleep(0)

    async def ask(self, octets: bytes) -> Answer:
        """Send a request and read the answer."""
        await self.send(octets)
        return await self.answer(octets.split(b" ", 1)[0])

    async def answer(self, method: bytes = b"GET") -> Answer:
        """Read one answer, an interim one included; IncompleteReadError or ConnectionError if it is cut short."""
        async with asyncio.timeout(self.patience):
            head = await self.head()
            bare = method == b"HEAD" or head.status < 200 or head.status in (204, 304)
            answered = head if bare else replace(head, body=await self._body(head))
        if answered.field(b"Proxy-Status"):
            self.problems.append(answered)
        return answered

    async def head(self) -> Answer:
        """Read the head of an answer."""
        async with asyncio.timeout(self.patience):
            start, *lines = (await self._reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        pairs = (line.partition(b":") for line in lines)
        return Answer(start=start, fields=tuple((name, value.strip()) for name, _, value in pairs), body=b"")

    async def read(self, count: int) -> bytes:
        """Read so many octets."""
        async with asyncio.timeout(self.patience):
            return await self._reader.readexactly(count)

    async def rest(self) -> bytes:
        """Read up to the end of the connection; ConnectionResetError if that is a reset."""
        async with asyncio.timeout(self.patience):
            return await self._reader.read()

    def finish(self) -> None:
        """End this side only, after what was sent."""
        self._writer.write_eof()

    @property
    def ended(self) -> bool:
        """Whether the other side has ended the connection, and nothing of what it sent is left to read."""
        return self._reader.at_eof() or self._writer.is_closing()

    @property
    def tls(self) -> ssl.SSLObject:
        """What TLS knows of the connection."""
        known: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        return known

    def leave(self) -> None:
        """Close the connection."""
        self._writer.transport.abort()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        stream_server.reset(self._writer.transport)

    async def _body(self, head: Answer) -> bytes:
        if [coding.lower() for coding in head.field(b"Transfer-Encoding")] == [b"chunked"]:
            return await self._chunks()
        if lengths := head.field(b"Content-Length"):
            return await self._reader.readexactly(int(lengths[0]))
        return await self._reader.read()

    async def _chunks(self) -> bytes:
        pieces = []
        while size := int(await self._line(), 16):
            pieces.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._line()
        return b"".join(pieces)

    async def _line(self) -> bytes:
        return await self._reader.readuntil(b"\r\n")
