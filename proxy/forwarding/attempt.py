"""One sending of the forwarded request to the upstream, up to the head of the answer or to its failure."""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from proxy.errors import ConnectTimeout, ProxyError, SenderLeft, UpstreamClosed, UpstreamUnreachable
from proxy.forwarding.body import Body, BufferedBody, Reader
from proxy.forwarding.routes import Route
from proxy.forwarding.verdict import Ending
from proxy.observe.account import Account
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import stopped
from proxy.wire.body import IncomingBody
from proxy.wire.deadlines import NEVER
from proxy.wire.grammar import ResponseHead
from proxy.wire.run import rung

ONE_WRITE = 16 << 10
"Octets up to which head and body are joined: one TLS record."


class Waiting(Protocol):
    """Who waits for the attempt."""

    left: bool
    "Whether nobody wants it any more."

    def ring(self) -> None:
        """Let it look again."""
        ...


class Outgoing(NamedTuple):
    """The request of one attempt."""

    method: str
    head: bytes
    body: Body
    patience: float = NEVER
    "Seconds at most for the head of the answer, where the route's `timeout` is more."

    def __repr__(self) -> str:
        return f"<Outgoing {self.method}, {len(self.head)} octets and {self.body!r}>"


@dataclass(slots=True)
class Answered:
    """The head of an answer has come; the rest is read from `body`. To be discarded or relayed."""

    connection: UpstreamConnection
    head: ResponseHead
    body: IncomingBody
    route: Route
    ending = Ending.ANSWERED

    def discard(self) -> None:
        """Nobody wants the rest: the connection goes back to its pool, or ends.

        Only once; later it may serve another exchange.
        """
        if self.connection.body is self.body:
            self.route.pool.give_back(self.connection)


@dataclass(slots=True)
class Failed:
    """No answer that can be relayed."""

    ending: Ending
    failure: ProxyError


Outcome = Answered | Failed


async def attempt(route: Route, outgoing: Outgoing, waiting: Waiting, account: Account) -> Outcome:
    """Connects if need be, sends, and waits for the head of the answer; SenderLeft, and whatever the body raises."""
    try:
        connection = route.pool.take() or await connected(route, account)
    except (UpstreamUnreachable, ConnectTimeout) as failure:
        return Failed(Ending.REFUSED if failure.definite else Ending.UNSENT, failure)
    account.attempts += 1
    if waiting.left:
        route.pool.give_back(connection)
        raise SenderLeft
    if not connection.open:  # accepted and closed at once, as servers at their limit do
        return Failed(Ending.UNSENT, UpstreamClosed(f"{connection.name} closes connections as soon as they are made."))
    connection.lease(waiting.ring, outgoing.method, min(route.settings.timeout, outgoing.patience))
    try:
        if isinstance(outgoing.body, BufferedBody):
            _send_whole(connection, outgoing.head, outgoing.body.content)
        else:
            connection.send(outgoing.head)
            await _stream(connection, outgoing.body.reader(), chunked=outgoing.body.length is None)
    except BaseException:
        connection.cut()
        route.pool.give_back(connection)
        raise
    while connection.head is None and connection.failure is None:
        await rung()
    account.answered()
    if connection.head is not None and connection.body is not None:
        return Answered(connection, connection.head, connection.body, route)
    return _failed(route, connection)


async def connected(route: Route, account: Account) -> UpstreamConnection:
    """A new connection; UpstreamUnreachable, ConnectTimeout or Draining."""
    account.begin_connection()
    try:
        return await route.pool.connect(route.settings.connect_timeout)
    except asyncio.CancelledError:  # by the pool, which was closed: an exchange has no task that could be cancelled
        raise stopped(route.pool.origin) from None
    finally:
        account.end_connection()


def _failed(route: Route, connection: UpstreamConnection) -> Failed:
    failure = connection.failure or UpstreamClosed(f"{connection.name} gave no answer.")
    lost = isinstance(failure, UpstreamClosed) and not connection.responded
    route.pool.give_back(connection)
    return Failed(Ending.LOST if lost else Ending.BROKEN, failure)


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
            await rung()
        elif body.waiting:
            body.want()
            await rung()
        elif piece := await body.read():
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        else:
            if chunked:
                connection.send(b"0\r\n\r\n")
            connection.end_request()
            return
