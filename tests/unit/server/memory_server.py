"""Connections of senders over transports in memory, on a clock moved by hand."""

import asyncio
from typing import Any

from proxy.config.model import Limits
from proxy.errors import ProxyError, SenderLeft
from proxy.forwarding.request import Request, Sender
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from proxy.wire.coroutine_runner import woken
from tests.fakes.listener import listener_context, refuse
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
LIMITS = Limits(max_head=1024, max_fields=4, head_timeout=15, body_timeout=60, idle_timeout=75)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def post(body: bytes = b"", *, length: int | None = None, fields: bytes = b"") -> bytes:
    """A request with a body, or the beginning of one."""
    size = len(body) if length is None else length
    return b"POST /b HTTP/1.1\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, size, body)


class Connections(SenderConnections[SenderConnection]):
    """Refuses new connections with a given error."""

    refusal: ProxyError | None = None

    def add(self, connection: SenderConnection) -> ProxyError | None:
        """Counts the connection."""
        super().add(connection)
        return self.refusal


class MemoryServer:
    """Its exchanges answer when the test lets them."""

    def __init__(self, *, secure: bool = False) -> None:
        self.loop = HandLoop(monotonic=0.0)
        self.requests: list[Request] = []
        self.bodies: list[bytes | Exception] = []
        self.answers: list[bytes | Exception] = []
        "What exchanges answer, one each; they wait for theirs."
        self.refusals: list[ProxyError] = []
        self.crashes: list[tuple[BaseException, str]] = []
        self.connections = Connections(LIMITS)
        self.reads = True
        "Whether exchanges read bodies."
        self.context = listener_context(
            self.serve,
            LIMITS,
            deadlines=self.loop.deadlines(),
            connections=self.connections,
            refuse=self.refuse,
            crashed=lambda error, address: self.crashes.append((error, address)),
            secure=secure,
        )

    def refuse(self, sender: Sender, error: ProxyError, request_id: str) -> None:
        """Answers with the code and the id."""
        self.refusals.append(error)
        refuse(sender, error, request_id)

    async def serve(self, request: Request) -> None:
        """Read the body, then answer."""
        self.requests.append(request)
        body = b""
        try:
            while self.reads and (piece := await request.body.read()):
                body += piece
        except Exception as error:  # noqa: BLE001 - kept for the test
            self.bodies.append(error)
            if not isinstance(error, SenderLeft):
                request.sender.close_after()
                request.sender.send(b"<broken>")
            return
        self.bodies.append(body)
        while not self.answers:
            await woken()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if not request.body.ended:
            request.sender.close_after()
        request.sender.send(answer)

    def connect(self, **extra: Any) -> "Wire":
        """A sender connects."""
        return Wire(self, MemoryTransport(**({"peername": ("192.0.2.7", 1234)} | extra)))


class Wire:
    """Both ends of a connection."""

    def __init__(self, server: MemoryServer, transport: MemoryTransport) -> None:
        self.server, self.transport = server, transport
        self.connection = SenderConnection(server.context)
        self.connection.connection_made(transport)

    async def send(self, octets: bytes) -> None:
        """The sender sends."""
        assert self.transport.reading
        self.connection.data_received(octets)
        await turns()

    async def answer(self, *answers: bytes | Exception) -> None:
        """The exchanges answer."""
        self.server.answers += answers
        self.connection.wake()
        await turns()

    def received(self) -> bytes:
        """What the sender has got since."""
        return self.transport.taken()

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.server.loop.advance(seconds)

    @property
    def end(self) -> str:
        """How the connection ended."""
        return "aborted" if self.transport.aborted else "closed" if self.transport.closed else "open"


async def turns() -> None:
    """Let the event loop do all that is ready."""
    for _ in range(4):
        await asyncio.sleep(0)


class ProxyErrorOf(ProxyError):
    """A refusal with any code."""

    def __init__(self, code: str) -> None:
        super().__init__("x")
        self.code = code  # type: ignore[misc]


EXPECTING = post(length=3, fields=b"Expect: 100-continue\r\n")
