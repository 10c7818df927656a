"""A sender of octets on a raw socket."""

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
    """Host and Content-Length are added to `POST /orders`."""
    length = [] if body is None else [b"Content-Length: %d" % len(body)]
    return b"\r\n".join([start + b" HTTP/1.1", HOST, *fields, *length, b"", body or b""])


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """As it came."""

    start: bytes
    "The status line."
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.start.split(b" ", 2)[1])

    def field(self, name: bytes) -> list[bytes]:
        """In order."""
        return [value for each, value in self.fields if each.lower() == name.lower()]

    @property
    def problem(self) -> dict[str, Any]:
        """As RFC 9457 has it."""
        assert self.field(b"Content-Type") == [b"application/problem+json"]
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def code(self) -> str:
        """Of an answer of our own."""
        return str(self.problem["code"])

    @property
    def refusal(self) -> tuple[int, str]:
        """Of an answer of our own."""
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
        """On loopback, as proxy.example."""
        async with asyncio.timeout(PATIENCE):
            name = "proxy.example" if tls else None
            return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name))

    async def send(self, octets: bytes) -> None:
        self.sent += octets[: max(0, KEPT - len(self.sent))]
        self._writer.write(octets)
        async with asyncio.timeout(self.patience):
            await self._writer.drain()

    async def send_singly(self, octets: bytes) -> None:
        """Octet by octet, a turn of the event loop between two."""
        for octet in octets:
            await self.send(bytes([octet]))
            await asyncio.sleep(0)

    async def ask(self, octets: bytes) -> Answer:
        await self.send(octets)
        return await self.answer(octets.split(b" ", 1)[0])

    async def answer(self, method: bytes = b"GET") -> Answer:
        """An interim one too; IncompleteReadError or ConnectionError if it is cut."""
        async with asyncio.timeout(self.patience):
            head = await self.head()
            bare = method == b"HEAD" or head.status < 200 or head.status in (204, 304)
            answered = head if bare else replace(head, body=await self._body(head))
        if answered.field(b"Proxy-Status"):
            self.problems.append(answered)
        return answered

    async def head(self) -> Answer:
        async with asyncio.timeout(self.patience):
            start, *lines = (await self._reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        pairs = (line.partition(b":") for line in lines)
        return Answer(start=start, fields=tuple((name, value.strip()) for name, _, value in pairs), body=b"")

    async def read(self, count: int) -> bytes:
        async with asyncio.timeout(self.patience):
            return await self._reader.readexactly(count)

    async def rest(self) -> bytes:
        """To the end; ConnectionResetError if that is a reset."""
        async with asyncio.timeout(self.patience):
            return await self._reader.read()

    def finish(self) -> None:
        """After what was sent, this side only."""
        self._writer.write_eof()

    @property
    def ended(self) -> bool:
        """By the other side, with nothing left to read."""
        return self._reader.at_eof() or self._writer.is_closing()

    @property
    def tls(self) -> ssl.SSLObject:
        known: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        return known

    def leave(self) -> None:
        self._writer.transport.abort()

    def reset(self) -> None:
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
