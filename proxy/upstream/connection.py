"""One connection to an upstream: writes a request, reads the answer to it, and knows whether it may be used again.

The exchange that leases it looks at `head`, `body` and `failure` and is rung after each change.
"""

import asyncio
import select
from collections.abc import Callable
from typing import cast

from proxy.errors import ProxyError
from proxy.upstream.failures import LARGEST_HEAD, cut_short, malformed, silent, unanswered
from proxy.upstream.keep_alive import idle_time
from proxy.wire.body import IncomingBody
from proxy.wire.channel import TlsChannel
from proxy.wire.deadlines import NEVER, Deadlines
from proxy.wire.framing import NO_BODY, BodyMalformed, Decoder, response_body
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.heads import HeadCollector, HeadMalformed, HeadTooLong
from proxy.wire.reading import PieceReader, left_behind
from proxy.wire.unsent import Taking

MOST_INTERIM = 64
"Heads of one answer, the final one included."
WRITE_HIGH_WATER = 32 << 10
"Octets that may wait for the socket before `congested`."


def _nobody() -> None:
    """No exchange has leased the connection."""


class UpstreamConnection(PieceReader):
    """Made by its pool; leased by one exchange at a time."""

    def __init__(
        self,
        name: str,
        deadlines: Deadlines,
        gone: Callable[["UpstreamConnection"], None],
        reader: ResponseReader,
    ) -> None:
        self.name = name
        "Of the upstream, for sentences."
        self.deadline = NEVER
        self._deadlines = deadlines
        self._gone = gone
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._channel: TlsChannel | None = None
        self._interim = 0
        self._taking = Taking()
        self._poll = select.poll()
        self._descriptor = -1
        self._collector = HeadCollector(LARGEST_HEAD)
        self._reader = reader
        self._decoder: Decoder | None = None
        self._eof = False
        self._ring: Callable[[], None] = _nobody
        self._method = ""
        self._timeout = NEVER
        self._unused = True
        self.idle_since = 0.0
        "When the last answer had been read, or the connection was made; seconds of the loop's clock."
        self.idle_time = NEVER
        "Seconds that the upstream lets it be idle, by its last answer."
        self.open = False
        self.leased = False
        self.congested = False
        self.wrote = False
        "Whether an octet of the request has been handed to the socket."
        self.responded = False
        "Whether an octet of a response has come."
        self.request_ended = False
        self.head: ResponseHead | None = None
        self.body: IncomingBody | None = None
        self.failure: ProxyError | None = None

    def __repr__(self) -> str:
        state = "leased" if self.leased else "idle" if self.open else "closed"
        return f"<UpstreamConnection {self.name} {state}>"

    # ---- what an exchange does with it

    def lease(self, ring: Callable[[], None], method: str, timeout: float) -> None:
        """From now on for one request; `timeout` in seconds bounds each silence of the upstream."""
        self._ring, self._method, self._timeout = ring, method, timeout
        self.leased = True
        self._unused = False
        self.deadline = NEVER
        self.wrote = self.responded = self.request_ended = False
        self.head = self.body = self.failure = None
        self._interim = 0

    def watch_socket(self, descriptor: int, *, in_clear: bool) -> None:
        """The socket below, for `stale`, and, without TLS, for what is left in it when the connection breaks."""
        self._descriptor = descriptor if in_clear else -1
        self._poll.register(descriptor, select.POLLIN)

    def stale(self) -> bool:
        """Whether the idle connection has something to read: its end, or octets that nobody asked for.

        The event loop may not have told us yet, and a POST written now could not be sent again. What TLS holds would be
        given to the next exchange as its answer.
        """
        return self._undelivered or bool(self._poll.poll(0))

    def send(self, octets: bytes) -> None:
        """A piece of the request; nothing once the connection has ended."""
        if self.open:
            self.wrote = True
            self._transport.write(octets)

    def end_request(self) -> None:
        """The request is complete: its answer may take `timeout`."""
        self.request_ended = True
        self.deadline = self._deadlines.now() + self._timeout

    @property
    def reusable(self) -> bool:
        """Whether the next request may go over it.

        Either there was no request yet, or it and its answer are complete, nothing more has come, and nobody means to
        close.
        """
        body = self.body
        if self._unused or not self.open:
            return self.open
        return (
            self.request_ended
            and body is not None
            and body.ended
            and self.head is not None
            and self.head.persistent
            and self.failure is None
            and self.idle_time > 0
            and not self._undelivered
        )

    @property
    def _undelivered(self) -> bool:
        """Whether TLS holds octets that we were not given; without TLS all that are not in the socket were."""
        return self._channel is not None and self._channel.undelivered

    def release(self) -> None:
        """The exchange is done with it: idle if it can be used again, else closed."""
        if not self.reusable:
            self.cut()
        elif self.body is not None:
            self.body.take()  # what nobody wanted: the socket is read on
        self.leased = self._unused = False
        self._ring = _nobody
        self._decoder = self.head = self.body = None

    def give_up(self, failure: ProxyError) -> None:
        """Nobody will wait for the answer any longer; the exchange is told why."""
        if self.leased:
            self._fail(failure)
            self._ring()
        else:
            self.cut()

    def cut(self) -> None:
        """End it at once, so that nothing on it looks whole."""
        self.open = False
        self._transport.abort()

    # ---- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, TLS included."""
        self._transport = cast("asyncio.Transport", transport)
        self._channel = transport if isinstance(transport, TlsChannel) else None
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self.open = True
        self.idle_since = self._deadlines.now()
        self._deadlines.watch(self)

    def data_received(self, octets: bytes) -> None:
        """Octets of an answer; unasked ones end the connection, so that they are never taken for the next answer."""
        if not self.open:
            return
        if not self.leased or not self.wrote:
            self.cut()
            return
        try:
            if self._decoder is None or self.body is None:
                self.responded = True
                self._read_heads(octets)
            else:
                self._read_body(self._decoder, self.body, octets)
        except (HeadMalformed, HeadTooLong, BodyMalformed) as error:
            self._fail(malformed(self.name, error))
        self._ring()

    def eof_received(self) -> None:
        """The upstream closed its side in order (with TLS: by close_notify, RFC 8446 §6.1)."""
        self._eof, self.open = True, False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection ended, whoever ended it."""
        if error is not None and self.leased and self.failure is None and self._descriptor >= 0:
            for octets in left_behind(self._descriptor):
                self.data_received(octets)
        self.open = False
        self.congested = False
        self._deadlines.forget(self)
        if self.leased:
            self._end(error)
            self._ring()
        self._gone(self)

    def pause_writing(self) -> None:
        """The upstream reads more slowly than we write."""
        self.congested = True
        now = self._deadlines.now()
        self._taking.begin(self._transport, now)
        self.deadline = self._taking.look(self._transport, now, self._timeout)

    def resume_writing(self) -> None:
        """It has caught up."""
        self.congested = False
        if not self.request_ended and self.head is None:
            self.deadline = NEVER
        self._ring()

    def expire(self) -> None:
        """Silent for too long."""
        now = self._deadlines.now()
        if self.body is not None and self.body.paused:  # it is the sender that does not read
            self.deadline = now + self._timeout
        elif self.congested and (again := self._taking.look(self._transport, now, self._timeout)) > now:
            self.deadline = again  # it reads, if slowly
        elif self.leased:
            self._fail(silent(self.name, self._timeout))
            self._ring()
        else:
            self.cut()

    # ---- reading

    def _read_heads(self, octets: bytes) -> None:
        """Passes over interim answers (RFC 9110 §15.2) up to the final head."""
        while octets:
            head_octets, octets = self._collector.feed(octets)
            if not head_octets:
                return
            head = self._reader.read(head_octets)
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise HeadMalformed("interim answers without end")
            if head.status == 101:
                raise HeadMalformed("101 Switching Protocols, which nobody asked for")
            if head.status >= 200:
                self._begin_body(head, octets)
                return

    def _begin_body(self, head: ResponseHead, octets: bytes) -> None:
        framing = response_body(self._method, head)
        length = framing.length
        body = self.body = IncomingBody(self._transport, length)
        self.head = head
        self.idle_time = idle_time(head)
        if length is not None and len(octets) == length:  # the body is here already, and nothing behind it
            body.fill(octets)
            self._decoder, self.deadline, self.idle_since = NO_BODY, NEVER, self._deadlines.now()
        else:
            decoder = self._decoder = framing
            self._read_body(decoder, body, octets)

    def _read_body(self, decoder: Decoder, body: IncomingBody, octets: bytes) -> None:
        if octets:
            content, octets = decoder.feed(octets)
            if content:
                body.push(content)
        now = self._deadlines.now()
        self.deadline = NEVER if decoder.done else now + self._timeout
        if decoder.done:
            self.idle_since = now
            body.end()
            if octets:  # bytes after the response: never read as the next answer
                self.cut()

    def _end(self, error: Exception | None) -> None:
        """Settles what is incomplete when the connection is gone."""
        if self._decoder is None or self.body is None:
            self._fail(unanswered(self.name, error))
            return
        in_order = error is None and self._eof
        if self._decoder.done or (in_order and self._decoder.end()):
            self.body.end()
        else:
            self._fail(cut_short(self.name))

    def _fail(self, failure: ProxyError) -> None:
        if self.failure is None:
            self.failure = failure
        if self.body is not None:
            self.body.fail(failure)
        self.cut()
