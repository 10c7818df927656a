"""Sends a request to the upstream once, up to the head of the answer or a failure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from proxy.errors import ConnectTimeout, ProxyError, SenderLeft, UpstreamClosed, UpstreamUnreachable
from proxy.forwarding.body import Body, BodyReader, BufferedBody
from proxy.forwarding.request import Recipient
from proxy.forwarding.routes import Route
from proxy.forwarding.verdict import ANSWERED, BROKEN, LOST, UNREACHABLE, UNSENT, AttemptOutcome, Verdict
from proxy.hosts import host_and_port
from proxy.observe.exchange_record import ExchangeRecord
from proxy.upstream.connection import IDLE, UNUSED, UpstreamConnection
from proxy.upstream.failures import stopped
from proxy.upstream.pool import Pool
from proxy.upstream.request import UpstreamRequest, http1_head
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import woken
from proxy.wire.grammar import CHUNKED, ResponseHead

ONE_WRITE: Final = 16 << 10
"Bytes. Head and body up to this size are joined into one write: one TLS record."


class UpstreamAnswer:
    """The head of an answer; `body` reads the rest. It must be discarded, even after it was relayed."""

    __slots__ = ("body", "connection", "head", "outcome", "pool")

    def __init__(self, head: ResponseHead, body: IncomingBody, pool: Pool, connection: UpstreamConnection) -> None:
        self.head = head
        self.body = body
        self.pool = pool
        self.connection = connection
        self.outcome: AttemptOutcome = ANSWERED

    def __repr__(self) -> str:
        return f"<Answer {self.head.status}>"

    def discard(self) -> None:
        """Gives the connection back to its pool, or closes it if the answer was not read to its end.

        A second call does nothing, because the connection may serve another exchange by then.
        """
        if self.connection.body is self.body:
            self.pool.give_back(self.connection)


@dataclass(slots=True)
class AttemptFailed:
    """An attempt without an answer to relay."""

    outcome: AttemptOutcome
    failure: ProxyError


AttemptResult = UpstreamAnswer | AttemptFailed
Begin = Callable[[], Awaitable[None]]
"Is called when there are token and connection, before the first byte is written."


async def attempt(
    route: Route,
    request: UpstreamRequest,
    body: Body,
    recipient: Recipient,
    record: ExchangeRecord,
    *,
    patience: float,
    begin: Begin | None = None,
) -> AttemptResult:
    """Connects if no connection is idle, sends the request, and waits for the head of the answer.

    `patience` limits the seconds without a byte from the upstream after the whole request was sent. Raises SenderLeft,
    and what `begin` and reading the body raise.
    """
    if recipient.left:
        raise SenderLeft
    if not record.upstream:
        record.upstream = upstream_url(route, record.path)
    pool = route.pool
    try:
        connection = (
            pool.acquire() or await open_connection(route, recipient, record)
            if begin is None
            else await begun_connection(route, recipient, record, begin)
        )
    except (UpstreamUnreachable, ConnectTimeout) as failure:
        return AttemptFailed(UNREACHABLE if failure.definite else UNSENT, failure)
    record.attempts += 1
    if not connection.open:  # servers at their limit accept a connection and close it at once
        return AttemptFailed(UNSENT, UpstreamClosed(f"{connection.name} closes new connections at once."))
    head = http1_head(request)
    if record.steps is not None or record.heads is not None:
        log_forwarded(record, route, connection, head)
    connection.lease(recipient, request.method, patience)
    try:
        if isinstance(body, BufferedBody):
            _send_whole(connection, head, body.content)
        else:
            connection.send(head)
            await _stream(connection, body.reader(), chunked=request.length == CHUNKED)
    except BaseException:
        connection.cut()
        pool.give_back(connection)
        raise
    while connection.head is None and connection.failure is None:
        await woken()
    record.answered()
    if connection.head is not None and connection.body is not None:
        return UpstreamAnswer(connection.head, connection.body, pool, connection)
    return _failed(pool, connection)


async def begun_connection(
    route: Route, recipient: Recipient, record: ExchangeRecord, begin: Begin
) -> UpstreamConnection:
    """Returns a connection, after `begin` has been called. Raises what that and `open_connection` raise."""
    connection = route.pool.acquire() or await open_connection(route, recipient, record)
    if not connection.open:
        return connection
    try:
        await begin()
    except BaseException:
        route.pool.give_back(connection)
        raise
    if connection.state is IDLE and connection.stale():
        connection.cut()  # it ended meanwhile
    return connection


def upstream_url(route: Route, path: str) -> str:
    """Returns the URL for a path of the sender; both without a query."""
    rest = path[len(route.prefix) :]
    return route.upstream_url + (rest if rest or route.upstream_path else "/")


async def open_connection(route: Route, recipient: Recipient, record: ExchangeRecord) -> UpstreamConnection:
    """Returns a new connection. Raises UpstreamUnreachable, ConnectTimeout or Draining.

    Raises SenderLeft if the sender has disconnected; then the connection serves another exchange.
    """
    record.begin_connection()
    try:
        connection = await route.pool.connect(route.settings.connect_timeout)
    except asyncio.CancelledError:  # the pool was closed: an exchange has no task that could be cancelled
        raise stopped(route.pool.origin) from None
    finally:
        record.end_connection()
    if recipient.left:
        route.pool.give_back(connection)
        raise SenderLeft
    return connection


def log_forwarded(record: ExchangeRecord, route: Route, connection: UpstreamConnection, head: bytes) -> None:
    """Keeps the head if it is wanted; logs over which connection it is sent, and the head without credentials."""
    if record.heads is not None:
        record.heads.append(head)
    steps = record.steps
    if steps is None:
        return
    address, tls = connection.extra_info("peername"), connection.extra_info("ssl_object")
    steps.connected(
        route.pool.origin.description,
        host_and_port(address[0], address[1]) if address else "",
        (tls.version() or "") if tls else "",
        is_new=connection.state is UNUSED,
    )
    steps.forwarded(head, route.secret_fields)


def log_attempt(record: ExchangeRecord, result: AttemptResult, verdict: Verdict) -> None:
    """Logs the end of an attempt, if steps are logged."""
    if record.steps is None:
        return
    status, reason = 0, ""
    if isinstance(result, UpstreamAnswer):
        status = result.head.status
    else:
        reason = f"{result.failure.code}: {result.failure.detail}"
    record.steps.attempted(len(record.replays) + 1, verdict.value, status=status, reason=reason)


def _failed(pool: Pool, connection: UpstreamConnection) -> AttemptFailed:
    failure = connection.failure or UpstreamClosed(f"{connection.name} sent no answer.")
    lost = isinstance(failure, UpstreamClosed) and not connection.responded
    pool.give_back(connection)
    return AttemptFailed(LOST if lost else BROKEN, failure)


def _send_whole(connection: UpstreamConnection, head: bytes, content: bytes) -> None:
    if len(content) <= ONE_WRITE:
        connection.send(head + content)
    else:
        connection.send(head)
        connection.send(content)
    connection.end_request()


async def _stream(connection: UpstreamConnection, body: BodyReader, *, chunked: bool) -> None:
    """Sends the body as fast as the upstream reads it. An early answer ends the sending (RFC 9112 §9.5)."""
    while connection.head is None and connection.failure is None:
        if connection.congested and not body.broken:
            await woken()
        elif body.waiting:
            body.want()
            await woken()
        elif piece := await body.read():
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        else:
            if chunked:
                connection.send(b"0\r\n\r\n")
            connection.end_request()
            return
