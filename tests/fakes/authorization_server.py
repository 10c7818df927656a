"""A scripted authorization server on a real socket."""

import asyncio
import json
import ssl
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.stream_server import StreamServer


class Fault(Enum):
    """Done instead of answering."""

    HANG = auto()
    "Keeps the connection and says nothing."
    HANG_UP = auto()
    "Closes the connection."
    RESET = auto()
    "Resets the connection."
    CUT_SHORT = auto()
    "Ends in the middle of the body that it announced."
    GARBAGE = auto()
    "Sends what is no HTTP."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Sent as it is."""

    status: int = 200
    fields: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """As it came."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    certificate: dict[str, Any] | None = None
    "The client certificate of the connection."

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body)))

    def field(self, name: str) -> str | None:
        """The only one of this name."""
        found = [value for each, value in self.fields if each.lower() == name.lower()]
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None


def granted(token: str = "t0ken", **fields: Any) -> Reply:
    """A token response."""
    document = {"access_token": token, "token_type": "Bearer", "expires_in": 3600} | fields
    return Reply(body=json.dumps(document).encode())


def refused(status: int, **document: Any) -> Reply:
    """An error response."""
    return Reply(status=status, body=json.dumps(document).encode())


class AuthorizationServer(StreamServer):
    """Follows its script, and repeats the last line. A context manager."""

    def __init__(self, *script: Reply | Fault, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self._script = deque(script or (granted(),))
        self.requests: list[Received] = []
        self.hold: asyncio.Event | None = None
        "Each answer waits for it."
        self.arrived = asyncio.Event()
        "Set when a request has come; to be cleared by whoever waits for the next."

    @property
    def url(self) -> str:
        return f"{super().url}/oauth/token"

    async def converse(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del number
        while head := await _read_head(reader):
            self.requests.append(await _read_request(head, reader, writer))
            line = self._script.popleft() if len(self._script) > 1 else self._script[0]
            self.arrived.set()
            if self.hold is not None:
                await self.hold.wait()
            if isinstance(line, Fault):
                await _commit(line, writer)
                return
            writer.write(_head(line, len(line.body)) + line.body)
            await writer.drain()
            if self.requests[-1].field("Connection") == "close":
                break


async def _commit(fault: Fault, writer: asyncio.StreamWriter) -> None:
    match fault:
        case Fault.HANG:
            await asyncio.Event().wait()
        case Fault.RESET:
            writer.transport.abort()
        case Fault.CUT_SHORT:
            writer.write(_head(Reply(), 100) + b'{"access')
        case Fault.GARBAGE:
            writer.write(b"220 smtp.example ESMTP ready\r\n\r\n")
        case Fault.HANG_UP:
            pass


def _head(reply: Reply, length: int) -> bytes:
    fields = (*reply.fields, ("Content-Length", str(length)))
    lines = [f"HTTP/1.1 {reply.status} ", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode()


async def _read_head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("utf-8")
    except asyncio.IncompleteReadError:
        return ""


async def _read_request(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Received:
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    fields = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    length = int({name.lower(): value for name, value in fields}.get("content-length", "0"))
    return Received(
        method=method,
        target=target,
        fields=fields,
        body=await reader.readexactly(length),
        certificate=writer.get_extra_info("peercert") or None,
    )
