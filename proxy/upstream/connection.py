"""One connection to an upstream: writes a request, has its response read, and knows whether it may be used again.

The exchange that leases it reads `head`, `body` and `failure`, and is woken after each change.

Theory of operation, as of h11: there are two machines. This one is about our side: whom the connection serves, and how
much of the request is written. That of `response_parser.py` is about how much of the response has come, and knows no
socket. Only when both are through, SENT here and COMPLETE there, may the connection serve another exchange.

    state       what it means                         goes on to
    CONNECTING  there is no transport yet             UNUSED when it is connected, TLS included
    UNUSED      connected, and never leased           LEASED by `lease`, IDLE by `release`
    IDLE        given back                            LEASED by `lease`, CLOSED by a second `release`
    LEASED      nothing of the request is written     SENDING by `send`, CLOSED by `release`
    SENDING     a part of the request is written      SENT by `end_request`, CLOSED by `release`
    SENT        the whole request is written          IDLE by `release` if it is `reusable`, else CLOSED
    CLOSED      nothing is written or heard any more  nothing

All go on to CLOSED by `cut`, `give_up`, silence, and the end of the connection, in order or not; SENDING and SENT by
octets that are no response, or follow it, the others by any. Unless the response was complete, the exchange then finds
`failure`. An early response (RFC 9112 §9.5) comes in SENDING.
"""

import asyncio
import select
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, cast

from proxy.errors import ProxyError
from proxy.upstream.failures import LARGEST_HEAD, cut_short, malformed, silent, unanswered
from proxy.upstream.response_parser import AWAITING, COMPLETE, ResponseParser, idle_time
from proxy.wire.body import IncomingBody
from proxy.wire.client_tls import ClientTlsTransport
from proxy.wire.coroutine_runner import NO_WAITER, Wakeable
from proxy.wire.deadlines import NEVER, Deadlines
from proxy.wire.framing import BodyMalformed
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.heads import HeadMalformed, HeadTooLong
from proxy.wire.reading import left_behind
from proxy.wire.unsent import PeerProgress

WRITE_HIGH_WATER = 32 << 10
"Octets that may wait for the socket before `congested`."


class ConnectionState(Enum):
    """Whom a connection serves, and how much of the request is written."""

    CONNECTING = "connecting"
    UNUSED = "unused"
    IDLE = "idle"
    LEASED = "leased"
    SENDING = "sending"
    SENT = "sent"
    CLOSED = "closed"


CONNECTING: Final = ConnectionState.CONNECTING
UNUSED: Final = ConnectionState.UNUSED
IDLE: Final = ConnectionState.IDLE
LEASED: Final = ConnectionState.LEASED
SENDING: Final = ConnectionState.SENDING
SENT: Final = ConnectionState.SENT
CLOSED: Final = ConnectionState.CLOSED


class UpstreamConnection:
    """One connection, leased by one exchange at a time."""

    def __init__(
        self, name: str, deadlines: Deadlines, gone: Callable[["UpstreamConnection"], None], reader: ResponseReader
    ) -> None:
        self.name = name
        "Of the upstream, for sentences."
        self.state: ConnectionState = CONNECTING
        self.deadline = NEVER
        self.idle_since = 0.0
        "When the last response had been read, or the connection was made; seconds of the loop's clock."
        self.idle_time = NEVER
        "Seconds that the upstream lets it be idle, by its last response."
        self.congested = False
        "Whether the upstream reads more slowly than we write, in whatever state."
        self.head: ResponseHead | None = None
        "Of the response to this lease, once it has come; `body` with it."
        self.body: IncomingBody | None = None
        self.failure: ProxyError | None = None
        "Why there is no response, or not all of it."
        self._deadlines = deadlines
        self._gone = gone
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._channel: ClientTlsTransport | None = None
        "The transport, if it is TLS."
        self._descriptor = -1
        self._poll = select.poll()
        self._progress = PeerProgress()
        self._parser = ResponseParser(reader, LARGEST_HEAD)
        self._waiter: Wakeable = NO_WAITER
        self._timeout = NEVER

    def __repr__(self) -> str:
        return f"<UpstreamConnection {self.name} {self.state.value}>"

    # ---- what an exchange does with it

    def lease(self, waiter: Wakeable, method: str, timeout: float) -> None:
        """Leases the connection for one request; `timeout` limits each silence of the upstream, in seconds."""
        if self.state is not IDLE and self.state is not UNUSED:
            raise RuntimeError(f"{self!r} cannot be leased")
        self.state = LEASED
        self._waiter, self._timeout = waiter, timeout
        self._parser.begin(method)
        self.deadline = NEVER

    def watch_socket(self, descriptor: int, *, in_clear: bool) -> None:
        """Keeps the socket for `stale` and, without TLS, to read what it holds when the connection breaks."""
        self._descriptor = descriptor if in_clear else -1
        self._poll.register(descriptor, select.POLLIN)

    def stale(self) -> bool:
        """Whether the idle connection has something to read: its end, or unsolicited bytes.

        The event loop may not have told us yet, and a POST written now could not be sent again.
        """
        return self._undelivered or bool(self._poll.poll(0))

    def send(self, octets: bytes) -> None:
        """Sends a piece of the request, unless the connection has ended."""
        if self.state is LEASED:
            self.state = SENDING
        if self.state is SENDING:
            self._transport.write(octets)

    def end_request(self) -> None:
        """Ends the request; from now on its response may take `timeout`."""
        if self.state is SENDING:
            self.state = SENT
            if self._parser.state is not COMPLETE:
                self.deadline = self._deadlines.now() + self._timeout

    def extra_info(self, name: str) -> Any:
        """What the transport knows: as asyncio's `get_extra_info`."""
        return self._transport.get_extra_info(name)

    @property
    def open(self) -> bool:
        """Whether it is connected, and has not ended."""
        return self.state is not CLOSED and self.state is not CONNECTING

    @property
    def leased(self) -> bool:
        """Whether it is open and leased."""
        return self.state is SENT or self.state is SENDING or self.state is LEASED

    @property
    def responded(self) -> bool:
        """Whether an octet of a response has come since the lease."""
        return self._parser.state is not AWAITING

    @property
    def reusable(self) -> bool:
        """Whether `release` makes it idle: it is unused, or both messages are complete and nobody means to close."""
        if self.state is not SENT or self.head is None:
            return self.state is UNUSED
        return self._parser.state is COMPLETE and self.head.persistent and self.idle_time > 0 and not self._undelivered

    @property
    def _undelivered(self) -> bool:
        """Whether TLS holds octets that we were not given; without TLS all that are not in the socket were."""
        return self._channel is not None and self._channel.undelivered

    def release(self) -> None:
        """Ends the lease; makes the connection idle if it can be used again, else closes it."""
        if self.reusable:
            if self.body is not None:
                self.body.consume()  # unread content; reading resumes
            self.state = IDLE
        else:
            self.cut()
        self._waiter = NO_WAITER
        self.head = self.body = self.failure = None

    def give_up(self, failure: ProxyError) -> None:
        """Stops waiting for the response, and fails the exchange."""
        if self.leased:
            self._fail(failure)
        else:
            self.cut()

    def cut(self) -> None:
        """Aborts the connection, so that nothing on it looks complete."""
        self.state = CLOSED
        self._transport.abort()

    # ---- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Is called when it is connected, TLS included."""
        self._transport = cast("asyncio.Transport", transport)
        self._channel = transport if isinstance(transport, ClientTlsTransport) else None
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self.state = UNUSED
        self.idle_since = self._deadlines.now()
        self._deadlines.watch(self)

    def data_received(self, octets: bytes) -> None:
        """Reads a response. Unsolicited bytes end the connection, so that they are not read as the next response."""
        state = self.state
        if state is SENT or state is SENDING:
            try:
                self._read(octets)
            except (HeadMalformed, HeadTooLong, BodyMalformed) as error:
                self._fail(malformed(self.name, error))
            else:
                self._waiter.wake()
        elif state is not CLOSED:
            self._end(None)

    def eof_received(self) -> None:
        """Is called when the upstream closed its side in order (with TLS: by close_notify, RFC 8446 §6.1)."""
        if self._parser.feed_eof() and self.body is not None:
            self.body.end()
        self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Is called when the connection has ended, from either side."""
        if error is not None and self._descriptor >= 0 and self.leased:
            for octets in left_behind(self._descriptor):
                self.data_received(octets)
        self.congested = False
        self._deadlines.forget(self)
        self._end(error)
        self._gone(self)

    def pause_writing(self) -> None:
        """Is called when the upstream reads more slowly than we write."""
        self.congested = True
        now = self._deadlines.now()
        self._progress.begin(self._transport, now)
        self.deadline = self._progress.look(self._transport, now, self._timeout)

    def resume_writing(self) -> None:
        """Is called when the upstream has caught up."""
        self.congested = False
        if self.head is None and self.state in (SENDING, SENT):  # the time for a response begins now
            self.deadline = self._deadlines.now() + self._timeout if self.state is SENT else NEVER
        self._waiter.wake()

    def deadline_reached(self) -> None:
        """Ends a connection that is silent for too long."""
        now = self._deadlines.now()
        if self.body is not None and self.body.paused:  # it is the sender that does not read
            self.deadline = now + self._timeout
        elif self.congested and (again := self._progress.look(self._transport, now, self._timeout)) > now:
            self.deadline = again  # it reads, if slowly
        else:
            self.give_up(silent(self.name, self._timeout))

    def _read(self, octets: bytes) -> None:
        """Parses bytes of the response; what follows it ends the connection."""
        parser = self._parser
        parser.feed(octets)
        event = parser.next_event()
        if isinstance(event, ResponseHead):
            self.head, self.idle_time = event, idle_time(event)
            self.body = IncomingBody(self._transport, parser.length)
            event = parser.next_event()
        body = self.body
        if body is None:  # the time for the head goes on
            return
        if isinstance(event, bytes):
            if len(event) == body.length:  # whole: there is nothing to pause reading for
                body.fill(event)
            else:
                body.push(event)
            parser.next_event()
        now = self._deadlines.now()
        if parser.state is not COMPLETE:
            self.deadline = now + self._timeout
            return
        self.deadline, self.idle_since = NEVER, now
        body.end()
        if parser.excess:
            self.cut()

    def _end(self, error: Exception | None) -> None:
        """Ends the connection; an incomplete response fails."""
        if self.leased and self._parser.state is not COMPLETE:
            self._fail(unanswered(self.name, error) if self.body is None else cut_short(self.name))
        else:
            self.cut()
            self._waiter.wake()

    def _fail(self, failure: ProxyError) -> None:
        """Fails the exchange. This happens once, because a closed connection is not leased any more."""
        self.failure = failure
        if self.body is not None:
            self.body.fail(failure)
        self.cut()
        self._waiter.wake()
