"""An answer of the admin address that goes on is cut only if its client stops reading."""

import asyncio

import pytest
from aiohttp import web

from proxy.admin.connection import IDLE_TIMEOUT, begin_stream
from proxy.observe.recording import BeginRecording
from tests.fakes.sender import Sender
from tests.flow.running import NewExtension, Running, soon, until

PIECE = b"x" * 65536
MANY = 400
"Pieces that no socket holds."


class Stream:
    """An extension that sends what the test gives it."""

    observers = ()

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.written = 0
        self.ended = asyncio.Event()
        self.recorded: dict[str, BeginRecording] = {}

    def add_to(self, application: web.Application) -> None:
        application.router.add_get("/console/stream", self.serve)

    async def close(self) -> None:
        """Nothing: each test ends its stream."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Send pieces up to an empty one."""
        try:
            begin_stream(request)
            answer = web.StreamResponse()
            await answer.prepare(request)
            while piece := await self.pieces.get():
                await answer.write(piece)
                self.written += 1
            return answer
        finally:
            self.ended.set()


@pytest.fixture
def stream() -> Stream:
    """The stream in place of the console."""
    return Stream()


@pytest.fixture
def new_extension(stream: Stream) -> NewExtension:
    """The stream."""
    return lambda: stream


async def begun(proxy: Running) -> Sender:
    """A client that has read the head."""
    client = await proxy.sender(proxy.app.admin.port)
    token = proxy.app.admin.access.token or ""
    await client.send(
        f"GET /console/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    assert (await client.head()).status == 200
    return client


async def looked(proxy: Running) -> None:
    """Wait until the deadlines have been looked at."""
    idle = await proxy.sender(proxy.app.admin.port)
    await idle.ask(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    proxy.clock.advance(IDLE_TIMEOUT + 1)
    assert await idle.rest() == b""


async def test_silence_does_not_end_it(plain: Running, stream: Stream) -> None:
    """The connection serves others afterwards."""
    client = await begun(plain)
    for _ in range(3):
        await looked(plain)
        stream.pieces.put_nowait(b"event")
        assert await client.read(10) == b"5\r\nevent\r\n"
    stream.pieces.put_nowait(b"")
    assert await client.read(5) == b"0\r\n\r\n"
    assert (await client.ask(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200
    await looked(plain)
    assert await client.rest() == b""


async def test_a_client_that_does_not_read_is_cut(plain: Running, stream: Stream) -> None:
    """One piece at most is kept."""
    client = await begun(plain)
    for _ in range(MANY):
        stream.pieces.put_nowait(PIECE)
    await until(lambda: paused(plain))
    assert stream.written < MANY
    await looked(plain)
    await soon(stream.ended.wait())
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await client.read(MANY * len(PIECE))


async def test_a_slow_client_is_not_cut(plain: Running, stream: Stream) -> None:
    """Each time it reads, it has sixty seconds again."""
    client = await begun(plain)
    for _ in range(MANY):
        stream.pieces.put_nowait(PIECE)
    for part in range(1, 5):
        await until(lambda: paused(plain))
        plain.clock.advance(IDLE_TIMEOUT - 1)
        await (await plain.sender(plain.app.admin.port)).ask(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        before = stream.written
        while stream.written == before:
            await client.read(len(PIECE))
        assert part
    assert not stream.ended.is_set()


def paused(proxy: Running) -> bool:
    """Whether the stream waits for its client."""
    runner = proxy.app.admin._runner
    assert runner is not None
    assert runner.server is not None
    return any(each._paused for each in runner.server.connections)
