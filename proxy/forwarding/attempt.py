"""One sending of a request to the upstream, up to the head of the answer or to its failure."""

import asyncio
from dataclasses import dataclass
from typing import Final

from proxy.errors import ConnectTimeout, ProxyError, SenderLeft, UpstreamClosed, UpstreamUnreachable
from proxy.forwarding.body import Body, BufferedBody, Reader
from proxy.forwarding.request import Waiting
from proxy.forwarding.routes import Route
from proxy.forwarding.verdict import ANSWERED, BROKEN, LOST, UNREACHABLE, UNSENT, Ending
from proxy.observe.exchange_record import ExchangeRecord
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import Pool, stopped
from proxy.upstream.request import UpstreamRequest, http1_head
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import woken
from proxy.wire.grammar import CHUNKED, ResponseHead

ONE_WRITE: Final = 16 << 10
"Octets up to which head and body are joined: one TLS record."


class UpstreamAnswer:
    """The head of an answer has come; the rest is read from `body`. To be discarded or relayed."""

    __slots__ = ("body", "connection", "ending", "head", "pool")

    def __init__(self, head: ResponseHead, body: IncomingBody, pool: Pool, connection: UpstreamConnection) -> None:
        self.head = head
        self.body = body
        self.pool = pool
        self.connection = connection
        self.ending: Ending = ANSWERED

    def __repr__(self) -> str:
        return f"<Answer {self.head.status}>"

    def discard(self) -> None:
        """Nobody wants the rest: the connection goes back to its pool, or ends.

        Only once; later it may serve another exchange.
        """
        if self.connection.body is self.body:
            self.pool.give_back(self.connection)


@dataclass(slots=True)
class AttemptFailed:
    """There is no answer that can be relayed."""

    ending: Ending
    failure: ProxyError


Outcome = UpstreamAnswer | AttemptFailed


async def attempt(
    route: Route, request: UpstreamRequest, body: Body, waiting: Waiting, record: ExchangeRecord, *, patience: float
) -> Outcome:
    """Connects if need be, sends, and waits for the head of the answer; SenderLeft, and whatever the body raises.

    `patience` in seconds bounds each silence of the upstream once it has the whole request.
    """
    if waiting.left:
        raise SenderLeft
    pool = route.pool
    try:
        connection = pool.take() or await connected(route, waiting, record)
    except (UpstreamUnreachable, ConnectTimeout) as failure:
        return AttemptFailed(UNREACHABLE if failure.definite else UNSENT, failure)
    record.attempts += 1
    if not connection.open:  # accepted and closed at once, as servers at their limit do
        return AttemptFailed(UNSENT, UpstreamClosed(f"{connection.name} closes connections as soon as they are made."))
    connection.lease(waiting, request.method, patience)
    try:
        if isinstance(body, BufferedBody):
            _send_whole(connection, http1_head(request), body.content)
        else:
            connection.send(http1_head(request))
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


async def connected(route: Route, waiting: Waiting, record: ExchangeRecord) -> UpstreamConnection:
    """A new connection; UpstreamUnreachable, ConnectTimeout or Draining.

    SenderLeft if nobody waits for it any more: it will serve another exchange.
    """
    record.begin_connection()
    try:
        connection = await route.pool.connect(route.settings.connect_timeout)
    except asyncio.CancelledError:  # by the pool, which was closed: an exchange has no task that could be cancelled
        raise stopped(route.pool.origin) from None
    finally:
        record.end_connection()
    if waiting.left:
        route.pool.give_back(connection)
        raise SenderLeft
    return connection


def _failed(pool: Pool, connection: UpstreamConnection) -> AttemptFailed:
    failure = connection.failure or UpstreamClosed(f"{connection.name} gave no answer.")
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


async def _stream(connection: UpstreamConnection, body: Reader, *, chunked: bool) -> None:
    """Passes the body on as fast as the upstream takes it; an early answer ends it (RFC 9112 §9.5)."""
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
