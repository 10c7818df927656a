"""A hundred megabytes up and a hundred down need less than twenty of the proxy's memory."""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.fakes.sender import HOST, Sender, request
from tests.system.command import PATIENCE, Proxy

SIZE = 100_000_000
PIECE = bytes(range(256)) * 256
MOST = 20 << 20


def pattern() -> Iterator[bytes]:
    """What the sandbox's download sends, and what is sent to it: 0 to 255, over and over."""
    whole, rest = divmod(SIZE, len(PIECE))
    yield from (PIECE for _ in range(whole))
    yield PIECE[:rest]


def digest() -> str:
    """Of the whole."""
    whole = hashlib.sha256()
    for piece in pattern():
        whole.update(piece)
    return whole.hexdigest()


class Memory:
    """The resident memory of a process, as the kernel tells it, in octets."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        if not (self._folder / "status").exists():
            pytest.skip("there is no /proc on this system, which tells how much memory a process has")

    def now(self) -> int:
        return self._read("VmRSS")

    def most(self) -> int:
        """What it had at most, since `begin` if the kernel lets us begin anew."""
        return self._read("VmHWM")

    def begin(self) -> None:
        """Where that is not allowed it counts from the start, which is stricter."""
        try:
            (self._folder / "clear_refs").write_text("5")
        except OSError:
            return

    def _read(self, name: str) -> int:
        found = re.search(rf"^{name}:\s+(\d+) kB$", (self._folder / "status").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) << 10


@pytest.fixture
async def sender(proxy: Proxy) -> Sender:
    """On which a first message has been sent: token, TLS and code are there."""
    connected = await Sender.connect(proxy.port)
    first = await connected.ask(request(b"POST /http/echo/first", body=b"x" * 2_000_000))
    assert len(first.body) == 2_000_000
    return connected


async def test_up(proxy: Proxy, sender: Sender, control: ClientSession) -> None:
    """The runtime node counts and digests it."""
    memory = Memory(proxy.pid)
    before = memory.now()
    memory.begin()
    await sender.send(b"PUT /http/echo/large HTTP/1.1\r\n" + HOST + b"\r\nContent-Length: %d\r\n\r\n" % SIZE)

    async def send() -> None:
        for piece in pattern():
            await sender.send(piece)

    sending = asyncio.create_task(send())
    assert await received(sender) == (SIZE, digest())
    await sending
    sender.leave()
    async with control.get("/messages?last=1") as answer:
        (message,) = (await answer.json())["messages"]
    assert (message["body_size"], message["body_sha256"], message["complete"]) == (SIZE, digest(), True)
    assert memory.most() - before < MOST


async def test_down(proxy: Proxy, sender: Sender) -> None:
    """Streamed from the runtime node."""
    memory = Memory(proxy.pid)
    before = memory.now()
    memory.begin()
    await sender.send(request(b"GET /btp/download?bytes=%d" % SIZE))
    assert await received(sender) == (SIZE, digest())
    sender.leave()
    assert memory.most() - before < MOST


async def received(sender: Sender) -> tuple[int, str]:
    """Size and digest of an answer's body, read piece by piece."""
    async with asyncio.timeout(PATIENCE):
        head = await sender.head()
        assert head.status == 200
        left, whole = int(head.field(b"Content-Length")[0]), hashlib.sha256()
        size = left
        while left:
            piece = await sender.read(min(left, 1 << 16))
            whole.update(piece)
            left -= len(piece)
    return size, whole.hexdigest()
