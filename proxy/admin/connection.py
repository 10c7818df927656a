"""Connections to the admin address: aiohttp's, with our own limit, deadlines and log.

aiohttp alone accepts any number of connections, waits for a request head without limit, and logs what it refuses with a
traceback that quotes fields.
"""

import asyncio
from enum import Enum
from typing import Any, Protocol, cast
from weakref import WeakSet

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from proxy.wire.deadlines import NEVER, Deadlines
from proxy.wire.local_site import HEADERS, SiteRefusal

MOST = 64
"Connections at a time."
HEAD_TIMEOUT, IDLE_TIMEOUT = 10.0, 60.0
"""Seconds for a whole request head; for everything else: the next request, its body, a client that reads the answer.

A stream has no deadline while it is read.
"""
_FULL = SiteRefusal(503, f"This address already has {MOST} connections.")
_SLOW = SiteRefusal(408, f"The request head did not arrive within {HEAD_TIMEOUT:g} s.")
_MALFORMED = SiteRefusal(400, "The request is not well-formed HTTP.")
_FAILED = SiteRefusal(500, "The request failed; the log says where.")
_CLIENT_FAULTS = (web.RequestPayloadError, HttpProcessingError)
"The errors that aiohttp raises for a body that is not well-formed."
_PHRASES = {408: b"Request Timeout", 503: b"Service Unavailable"}


class AdminObserver(Protocol):
    """Receives everything that goes wrong at the admin address."""

    def admin_refused(self, refusal: SiteRefusal) -> None:
        """Notes that a request or a connection was refused."""
        ...

    def admin_failed(self, error: BaseException | None) -> None:
        """Notes that a request failed by a fault of the proxy."""
        ...


class AdminConnections:
    """All connections to one admin address; a call returns the protocol of a new one."""

    def __init__(self, server: web.Server, observer: AdminObserver, deadlines: Deadlines) -> None:
        self.server = server
        self.observer = observer
        self.deadlines = deadlines
        self._open = WeakSet[AdminConnection]()
        "Counted from their acceptance, so that many at once are counted. Weak, because accepting may fail silently."

    def __call__(self) -> asyncio.Protocol:
        """Returns the protocol of an accepted connection."""
        if len(self._open) >= MOST:
            self.observer.admin_refused(_FULL)
            return Refusing(_FULL)
        connection = AdminConnection(self)
        self._open.add(connection)
        return connection

    def ended(self, connection: "AdminConnection") -> None:
        """Makes room for another connection."""
        self._open.discard(connection)


class Refusing(asyncio.Protocol):
    """Answers a connection with the refusal, and closes it."""

    def __init__(self, refusal: SiteRefusal) -> None:
        self._refusal = refusal

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the refusal."""
        _close(cast("asyncio.Transport", transport), self._refusal)


class AdminConnection(RequestHandler):
    """A connection whose deadline moves with its state."""

    def __init__(self, connections: AdminConnections) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(connections.server, loop=loop, access_log=None, auto_decompress=False)  # type: ignore[arg-type]
        self._connections = connections
        self._state = AdminState.IDLE
        self.deadline = NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for the first request."""
        super().connection_made(transport)
        self._enter(AdminState.IDLE)
        self._connections.deadlines.watch(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Gives up the deadline and the connection's place."""
        self._connections.deadlines.forget(self)
        self._connections.ended(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Starts the time of a request head with its first bytes."""
        if self._state is AdminState.IDLE:
            self._enter(AdminState.HEAD)
        super().data_received(data)

    def begin(self) -> None:
        """Notes that a request head is complete."""
        self._enter(AdminState.BUSY)

    def end(self, *, early: bool) -> None:
        """Notes that the answer is there; it may still have to be sent.

        An early answer, before the end of the request, is the last one on the connection.
        """
        self._enter(AdminState.ENDING if early else AdminState.IDLE)

    def stream(self) -> None:
        """Notes that the answer is a stream: it lasts as long as it is read.

        What is written waits in the kernel only. So writing stops as soon as the peer does not read, and the deadline
        counts from there.
        """
        self._state, self.deadline = AdminState.STREAMING, NEVER
        if self.transport is not None:
            self.transport.set_write_buffer_limits(high=0)
        if self.writing_paused:  # by an earlier answer
            self._enter(AdminState.STREAMING)

    def pause_writing(self) -> None:
        """Starts the time in which the peer has to read on."""
        super().pause_writing()
        if self._state is AdminState.STREAMING:
            self._enter(AdminState.STREAMING)

    def resume_writing(self) -> None:
        """Lets a stream go on."""
        super().resume_writing()
        if self._state is AdminState.STREAMING:
            self.deadline = NEVER

    def deadline_reached(self) -> None:
        """Closes the connection; answers a head that is too slow, unless an earlier answer is still unread."""
        transport = self.transport
        if transport is None:
            return
        is_slow = self._state is AdminState.HEAD
        if is_slow:
            self._connections.observer.admin_refused(_SLOW)
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            _close(transport, _SLOW if is_slow else None)
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what was sent
    ) -> web.StreamResponse:
        """Answers a request that is malformed or failed; aiohttp's own answer and log would quote the request."""
        refusal = _MALFORMED if status < 500 else _FAILED
        self._report(exc, refusal)
        if request.writer.output_size:
            raise ConnectionError("the answer has already begun")
        answer = web.Response(status=refusal.status, text=f"{refusal.detail}\n", headers=HEADERS)
        answer.force_close()
        return answer

    def log_exception(self, *_args: Any, **words: Any) -> None:
        """Reports what aiohttp would log with a traceback that quotes the request."""
        error = words.get("exc_info")
        self._report(error, _MALFORMED if isinstance(error, _CLIENT_FAULTS) else _FAILED)

    def _report(self, error: BaseException | None, refusal: SiteRefusal) -> None:
        if refusal is _FAILED:
            self._connections.observer.admin_failed(error)
        else:
            self._connections.observer.admin_refused(refusal)

    def _enter(self, state: "AdminState") -> None:
        seconds = HEAD_TIMEOUT if state is AdminState.HEAD else IDLE_TIMEOUT
        self._state, self.deadline = state, self._connections.deadlines.now() + seconds


class AdminState(Enum):
    """What the connection waits for."""

    IDLE = "a request"
    HEAD = "the rest of a request head"
    BUSY = "the answer"
    STREAMING = "the end of an answer that goes on until the client has enough"
    ENDING = "the rest of a request that is answered; it is not read"


def begin_stream(request: web.Request) -> None:
    """Lets the answer to this request last for as long as the client reads it; call it before the first write."""
    cast("AdminConnection", request.protocol).stream()


@web.middleware
async def timed(request: web.Request, handler: Any) -> web.StreamResponse:
    """Tells the connection when a request begins and ends."""
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
        answer.force_close()  # otherwise the rest of the request could be read as a head (RFC 9112 §9.3)


def _close(transport: asyncio.Transport, refusal: SiteRefusal | None) -> None:
    """Closes a connection, after an answer if there is a refusal."""
    if refusal is not None:
        text = f"{refusal.detail}\n".encode()
        fields = {**HEADERS, "Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
        start = b"HTTP/1.1 %d %b\r\nContent-Length: %d\r\n" % (refusal.status, _PHRASES[refusal.status], len(text))
        transport.write(start + lines + b"\r\n" + text)
    transport.close()
