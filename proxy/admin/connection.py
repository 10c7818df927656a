"""Connections to the admin address: aiohttp's, with a limit, deadlines and a log of our own.

aiohttp by itself takes any number of connections, waits for a head for as long as it may take, and logs what it refuses
with a trace that quotes fields.
"""

import asyncio
from enum import Enum
from typing import Any, Protocol, cast
from weakref import WeakSet

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from proxy.wire.deadlines import NEVER, Deadlines
from proxy.wire.local_site import NAME, SiteRefusal

MOST = 64
"Connections at a time."
HEAD_TIMEOUT, IDLE_TIMEOUT = 10.0, 60.0
"Seconds for a whole head; for anything else that is waited for: a request, its body, a peer that reads the answer."
_FULL = SiteRefusal(503, f"There are {MOST} connections to this address already.")
_SLOW = SiteRefusal(408, f"The head did not arrive within {HEAD_TIMEOUT:g} s.")
_MALFORMED = SiteRefusal(400, "This is not well-formed HTTP.")
_FAILED = SiteRefusal(500, "This failed; the log says where.")
_SENT = (web.RequestPayloadError, HttpProcessingError)
"What aiohttp raises for a body that is not well-formed."
_PHRASES = {408: b"Request Timeout", 503: b"Service Unavailable"}


class AdminObserver(Protocol):
    """Whoever is told what went wrong."""

    def admin_refused(self, refusal: SiteRefusal) -> None:
        """A request, or a connection, was refused."""
        ...

    def admin_failed(self, error: BaseException | None) -> None:
        """A fault of ours."""
        ...


class AdminConnections:
    """All connections to one admin address; makes the protocol of the next one when called."""

    def __init__(self, server: web.Server, observer: AdminObserver, deadlines: Deadlines) -> None:
        self.server = server
        self.observer = observer
        self.deadlines = deadlines
        self._open = WeakSet[AdminConnection]()
        "From the moment that they are accepted, so that many at once are counted too."

    def __call__(self) -> asyncio.Protocol:
        """For a connection that was accepted."""
        if len(self._open) >= MOST:
            self.observer.admin_refused(_FULL)
            return Refusing(_FULL)
        connection = AdminConnection(self)
        self._open.add(connection)
        return connection

    def ended(self, connection: "AdminConnection") -> None:
        """There is room for another one."""
        self._open.discard(connection)


class Refusing(asyncio.Protocol):
    """Says why, and hangs up."""

    def __init__(self, refusal: SiteRefusal) -> None:
        self._refusal = refusal

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The only thing that happens."""
        _end(cast("asyncio.Transport", transport), self._refusal)


class AdminConnection(RequestHandler):
    """One connection."""

    def __init__(self, connections: AdminConnections) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(connections.server, loop=loop, access_log=None, auto_decompress=False)  # type: ignore[arg-type]
        self._connections = connections
        self._state = AdminState.IDLE
        self.deadline = NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first request may begin."""
        super().connection_made(transport)
        self._enter(AdminState.IDLE)
        self._connections.deadlines.watch(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has ended."""
        self._connections.deadlines.forget(self)
        self._connections.ended(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A head begins, or something goes on."""
        if self._state is AdminState.IDLE:
            self._enter(AdminState.HEAD)
        super().data_received(data)

    def begin(self) -> None:
        """A head is complete."""
        self._enter(AdminState.BUSY)

    def end(self, *, early: bool) -> None:
        """An answer is there, which may have to be sent still; an early one is the last, for its request goes on."""
        self._enter(AdminState.ENDING if early else AdminState.IDLE)

    def deadline_reached(self) -> None:
        """The deadline has come: a head that is too slow is told so, unless an answer waits for its reader."""
        transport = self.transport
        if transport is None:
            return
        is_slow = self._state is AdminState.HEAD
        if is_slow:
            self._connections.observer.admin_refused(_SLOW)
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            _end(transport, _SLOW if is_slow else None)
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what was sent
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, or failed; replaces one that shows and logs what was sent."""
        refusal = _MALFORMED if status < 500 else _FAILED
        self._tell(exc, refusal)
        if request.writer.output_size:
            raise ConnectionError("an answer has begun already")
        answer = web.Response(status=refusal.status, text=f"{refusal.detail}\n", headers={"Server": NAME})
        answer.force_close()
        return answer

    def log_exception(self, *_args: Any, **words: Any) -> None:
        """What aiohttp would log, with a trace that quotes what was sent."""
        error = words.get("exc_info")
        self._tell(error, _MALFORMED if isinstance(error, _SENT) else _FAILED)

    def _tell(self, error: BaseException | None, refusal: SiteRefusal) -> None:
        if refusal is _FAILED:
            self._connections.observer.admin_failed(error)
        else:
            self._connections.observer.admin_refused(refusal)

    def _enter(self, state: "AdminState") -> None:
        seconds = HEAD_TIMEOUT if state is AdminState.HEAD else IDLE_TIMEOUT
        self._state, self.deadline = state, self._connections.deadlines.now() + seconds


class AdminState(Enum):
    """What is waited for."""

    IDLE = "a request"
    HEAD = "the rest of a head"
    BUSY = "the answer"
    ENDING = "the rest of a request that has its answer; it is not read"


@web.middleware
async def timed(request: web.Request, handler: Any) -> web.StreamResponse:
    """Tells the connection of a request that begins and ends."""
    connection = cast("AdminConnection", request.protocol)
    connection.begin()
    try:
        answer: web.StreamResponse = await handler(request)
    except web.HTTPException as refusal:
        _close_early(request, refusal)
        raise
    finally:
        connection.end(early=not request.content.is_eof())
    _close_early(request, answer)
    return answer


def _close_early(request: web.Request, answer: web.StreamResponse) -> None:
    if not request.content.is_eof():
        answer.force_close()  # the rest of the request might be taken for a head (RFC 9112 §9.3)


def _end(transport: asyncio.Transport, refusal: SiteRefusal | None) -> None:
    """Closes a connection, with an answer if there is a reason to tell."""
    if refusal is not None:
        text = f"{refusal.detail}\n".encode()
        fields = b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close" % len(text)
        transport.write(b"HTTP/1.1 %d %b\r\n%b\r\n\r\n%b" % (refusal.status, _PHRASES[refusal.status], fields, text))
    transport.close()
