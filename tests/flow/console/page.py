"""Requests to the console's API."""

import asyncio
import io
import json
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from proxy.console.site import Console
from tests.fakes.sender import Sender
from tests.fakes.timers import Timers
from tests.fakes.upstream import PATIENCE
from tests.flow.running import Running

Answer = tuple[int, Any]


class Page:
    """A context manager."""

    def __init__(self, proxy: Running, console: Console, timers: Timers) -> None:
        self.proxy = proxy
        self.console = console
        self.timers = timers
        self._session = ClientSession(
            proxy.admin_url, headers={"Authorization": f"Bearer {self.token}"}, cookie_jar=DummyCookieJar()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def token(self) -> str:
        return self.proxy.app.admin.access.token or ""

    async def open(self, path: str, method: str = "GET", **options: Any) -> ClientResponse:
        """The caller reads or closes the answer."""
        async with asyncio.timeout(PATIENCE):
            return await self._session.request(method, f"/console/api/{path}", **options)

    async def ask(self, path: str, method: str = "GET", **options: Any) -> Answer:
        async with asyncio.timeout(PATIENCE):
            answered = await self.open(path, method, **options)
            assert answered.content_type == "application/json", await answered.text()
            return answered.status, await answered.json()

    async def get(self, path: str) -> Any:
        status, content = await self.ask(path)
        assert status == 200, content
        return content

    async def send(self, body: bytes | Any = b"", **message: Any) -> Answer:
        """By default a POST of `orders`."""
        return await self.ask("send", "POST", data=sendable(body, **message))

    async def record(self, route: str = "orders", minutes: float = 15) -> None:
        status, content = await self.ask(f"recordings/{route}", "PUT", json={"minutes": minutes})
        assert status == 200, content

    async def newest(self) -> Any:
        rows = (await self.get("traffic"))["exchanges"]
        return await self.get(f"traffic/{rows[0]['id']}")

    async def passed(self, octets: bytes) -> Any:
        """What Traffic shows of this request."""
        await self.proxy.ask(octets)
        return await self.newest()

    async def stream(self, credential: str = "") -> "EventStream":
        """Opened, by default with the token."""
        sender = await self.proxy.sender(self.proxy.app.admin.port)
        field = credential or f"Authorization: Bearer {self.token}"
        head = f"GET /console/api/events HTTP/1.1\r\nHost: localhost\r\n{field}\r\n\r\n"
        await sender.send(head.encode())
        return await EventStream(sender).opened()


class EventStream:
    """Read as octets."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self._read = b""

    async def opened(self) -> Self:
        """Up to the first comment."""
        assert (await self.sender.head()).status == 200
        await self._until(b": open\n\n")
        return self

    async def event(self) -> tuple[str, Any]:
        text = await self._until(b"\n\n", behind=b"event: ")
        name, _, content = text.partition("\ndata: ")
        return name, json.loads(content)

    async def comment(self) -> str:
        return await self._until(b"\n\n", behind=b": ")

    async def ends(self) -> None:
        with suppress(ConnectionResetError):
            while await self.more():
                pass

    async def more(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.sender._reader.read(1 << 16)

    async def _until(self, end: bytes, behind: bytes = b"") -> str:
        while end not in self._read.partition(behind)[2] if behind else end not in self._read:
            self._read += await self.more()
        found, _, self._read = (self._read.partition(behind)[2] if behind else self._read).partition(end)
        return _joined(found).decode()


def _joined(text: bytes) -> bytes:
    """Without chunks; no line of ours is a hexadecimal number."""
    lines = text.split(b"\r\n")
    return b"".join(line for line in lines if not _is_size(line))


def _is_size(line: bytes) -> bool:
    try:
        int(line, 16)
    except ValueError:
        return False
    return True


def sendable(body: bytes | Any = b"", **message: Any) -> Any:
    """A body in pieces has no length."""
    line = json.dumps({"route": "orders", "method": "POST", "path": "", "fields": [], **message}).encode() + b"\n"
    if isinstance(body, bytes):
        return io.BytesIO(line + body)

    async def pieces() -> Any:
        yield line
        async for piece in body:
            yield piece

    return pieces()
