"""The connection of one sender: reads requests one after the other, runs an exchange for each, writes its answer.

What comes behind a request waits until its answer is written (RFC 9112 §9.3.2). After any doubt about where a message
ends nothing more is read as a message; the connection then ends lingering, so that the answer is not lost to a reset.
"""

import asyncio
from typing import cast

from proxy.errors import LengthRequired, Overloaded, ProxyError, RequestMalformed, RequestTimeout, SenderLeft
from proxy.forwarding.answers import CONTINUE
from proxy.forwarding.request import Request
from proxy.server.arrival import Arrival, HeadReader
from proxy.server.desk import Desk
from proxy.server.peer import peer_of, reset
from proxy.wire.body import IncomingBody
from proxy.wire.deadlines import NEVER
from proxy.wire.framing import NO_BODY, BodyMalformed, Decoder
from proxy.wire.keepalive import keep_alive
from proxy.wire.reading import PieceReader
from proxy.wire.run import Run
from proxy.wire.unsent import Taking

WRITE_HIGH_WATER = 32 << 10
"Octets of answers that may wait for a slow sender before `congested`."
AT_A_TIME = 32
"Pipelined requests that are answered in one turn of the event loop."
EMPTY_LINES = b"\r\n"
"What some old senders send behind a request (RFC 9112 §2.2)."
UNFRAMED = "Octets follow the head of a request that does not say how many belong to it; send `Content-Length`."
LINGER = 2.0
"Seconds in which a refused sender may go on sending, so that it reads its answer, and an idle one may send its last."


class SenderConnection(PieceReader):
    """Made by its listener, once for each connection. What each begins with is said once, in the class."""

    desk: Desk
    "Of the listener that it came by."
    _transport: asyncio.Transport
    _body: IncomingBody | None = None
    _run: Run | None = None
    _held = b""
    _closing: bool = False
    _lingering: bool = False
    _answering: bool = False
    _promised: bool = False
    _unframed: bool = False
    left: bool = False
    half_closed: bool = False
    congested: bool = False
    draining: bool = False
    address: str = ""
    local: str = ""
    subject: str = ""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.deadline = NEVER
        self._decoder: Decoder | None = None
        self._taking = Taking()
        self.secure = desk.secure
        terms = desk.terms
        self._heads = HeadReader(max_head=terms.max_head, max_fields=terms.max_fields, reader=desk.reader)

    def __repr__(self) -> str:
        state = "lingering" if self._lingering else "busy" if self._run else "idle"
        return f"<SenderConnection {self.address} {state}>"

    @property
    def busy(self) -> bool:
        """Whether an exchange is on its way."""
        return self._run is not None

    # ---- what an exchange does with it

    def ring(self) -> None:
        """Let the exchange look again."""
        if self._run is not None:
            self._run.ring()

    def persistent(self) -> bool:
        """Whether the connection goes on after this exchange, as it stands now."""
        return not (self._closing or self.draining or self.half_closed)

    def send(self, octets: bytes) -> None:
        """Part of an answer; nothing if the sender has gone."""
        self._answering = True
        if not self.left:
            self._transport.write(octets)

    def close_after(self) -> None:
        """End the connection after this answer."""
        self._closing = True

    def abort(self) -> None:
        """End the connection with a reset, so that what was sent does not look whole."""
        self._closing = True
        reset(self._transport)

    def drain(self, patience: float = LINGER) -> None:
        """Take one more request at most, with its answer as the last; an idle sender has so many seconds to send it.

        Closed at once, one that is about to send would have its request reset; so would one whose answer has begun, and
        has said that the connection goes on.
        """
        if not self.draining:
            self._promised = self.busy and self._answering and patience > 0
        self.draining = True
        if self.busy or self._lingering or self._heads.begun:
            return
        if not patience:
            self._close()
        elif not self.congested:
            self.deadline = min(self.deadline, self._after(patience))

    def give_up(self, failure: ProxyError) -> None:
        """Wait no longer for the rest of a request; its sender is told why."""
        if self._body is not None and not self._body.ended:
            self._body.fail(failure)
            self.ring()
        elif self._run is None and self._heads.begun and not self._closing:
            self._refuse(failure)

    # ---- what its body does with it

    def pause_reading(self) -> None:
        """Read no more."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless the next request is here already."""
        if not self._held:
            self._transport.resume_reading()

    # ---- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A sender has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self.address, self.local, over_ip = peer_of(transport)
        if self.address and over_ip:
            keep_alive(transport.get_extra_info("socket"))
        self.desk.deadlines.watch(self)
        self.deadline = self._after(self.desk.terms.idle_timeout)
        refusal = self.desk.arrived(self)
        if refusal is not None:  # without lingering, where descriptors are what there is too few of, or no TLS is yet
            self._refuse(refusal, lingers=not (self.secure or isinstance(refusal, Overloaded)))
        elif not self.address and over_ip:  # reset already; nobody can tell whether it would be allowed
            self.abort()

    def data_received(self, octets: bytes) -> None:
        """Octets of a request, of several, or of none."""
        if self._lingering:
            return
        if self._decoder is not None and self._body is not None:
            self._read_body(self._decoder, self._body, octets)
            self.ring()
        elif self._run is not None or self._held or self.congested:
            if self._unframed and self._body is not None and not self._answering and octets.strip(EMPTY_LINES):
                self._body.overrun(LengthRequired(f"{UNFRAMED} The message may have been delivered without them."))
            self._hold(octets)
        else:
            self._read_requests(octets)

    def eof_received(self) -> bool:
        """The sender has ended its side; an exchange that has its whole request goes on (RFC 9112 §9.6)."""
        self.half_closed = True
        if self._body is not None and not self._body.ended:
            self._body.fail(RequestMalformed("The connection ended in the middle of the body."))
        self.ring()
        return self.busy

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        del error
        self.left = True
        self.congested = False
        self.desk.deadlines.forget(self)
        self.desk.departed(self)
        if self._body is not None:
            self._body.fail(SenderLeft())
        self.ring()

    def pause_writing(self) -> None:
        """The sender reads more slowly than we write."""
        self.congested = True
        self._watch_taking()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.congested = False
        if self._run is not None:
            self.deadline = NEVER if self._decoder is None else self._after(self.desk.terms.body_timeout)
            self.ring()
        elif self._closing:
            self._watch_taking()
        else:
            self.deadline = self._after(self._idle)
            self._go_on()

    def expire(self) -> None:
        """Silent for too long: between requests that is the end; within one it is an error."""
        if self.congested or self._lingering or self._transport.is_closing():
            now = self.desk.deadlines.now()
            again = self._taking.look(self._transport, now, self._patience)
            if again <= now:
                self.abort()
            else:
                self.deadline = again
        elif self._body is not None and (self._body.paused or self._body.uninvited):
            self.deadline = self._after(self.desk.terms.body_timeout)
        elif self._body is not None and not self._body.ended:
            seconds = f"{self.desk.terms.body_timeout:g} s"
            self._body.fail(RequestTimeout(f"The body stood still for {seconds}; see `limits.body_timeout`."))
            self.ring()
        elif self._heads.begun:
            seconds = f"{self.desk.terms.head_timeout:g} s"
            self._refuse(RequestTimeout(f"The head was not complete within {seconds}; see `limits.head_timeout`."))
        else:
            self._close()

    # ---- reading

    def _read_requests(self, octets: bytes) -> None:
        """Runs one exchange after the other, as long as each ends at once and its answer is taken.

        A few at a time: others want their turn of the event loop.
        """
        for _ in range(AT_A_TIME):
            if not octets or self._run is not None or self._closing or self.congested:
                break
            octets = self._read_head(octets)
        if octets and not self._lingering:
            self._hold(octets)
            if self._run is None:
                asyncio.get_running_loop().call_soon(self._go_on)

    def _read_head(self, octets: bytes) -> bytes:
        """What follows the head and the body that came with it; starts the exchange when a head is complete."""
        began = not self._heads.begun
        try:
            arrival, octets = self._heads.feed(octets)
        except ProxyError as error:
            self._refuse(error)
            return b""
        if arrival is not None:
            return self._begin(arrival, octets)
        if began and self._heads.begun:
            self.deadline = self._after(self.desk.terms.head_timeout)
        return b""

    def _begin(self, arrival: Arrival, octets: bytes) -> bytes:
        head, target, framing, expects, request_id = arrival
        length, self._answering = framing.length, False
        self._unframed = framing is NO_BODY and not head.persistent
        if self._unframed and octets.strip(EMPTY_LINES):
            self._refuse(LengthRequired(UNFRAMED))
            return b""
        body = self._body = IncomingBody(self, length)
        if not head.persistent:
            self._closing = True
        if length is not None and len(octets) >= length:  # the body is here already
            body.fill(octets[:length] if len(octets) > length else octets)
            octets = octets[length:]
            self._decoder, self.deadline = None, NEVER
        else:
            if expects:
                body.invite = self._continue
            self._decoder = framing
            self.deadline = self._after(self.desk.terms.body_timeout)
            octets = self._feed(self._decoder, body, octets)
        request = Request(head, target, body, self, request_id or next(self.desk.ids))
        run = self._run = Run(self.desk.serve(request), self._ended)
        run.start()
        return octets

    def _continue(self) -> None:
        """The body is wanted: the sender may send it (RFC 9110 §10.1.1)."""
        if not self.left:
            self._transport.write(CONTINUE)

    def _read_body(self, decoder: Decoder, body: IncomingBody, octets: bytes) -> None:
        self.deadline = self._after(self.desk.terms.body_timeout)
        rest = self._feed(decoder, body, octets)
        if rest:
            self._hold(rest)

    def _feed(self, decoder: Decoder, body: IncomingBody, octets: bytes) -> bytes:
        """Gives the body what belongs to it; what is left follows the request."""
        try:
            content, octets = decoder.feed(octets) if octets else (b"", b"")
        except BodyMalformed as error:
            self._decoder, self._lingering = None, True
            body.fail(RequestMalformed(f"The body has {error}; nothing of it can be trusted."))
            return b""
        if content:
            body.push(content)
        if decoder.done:
            body.end()
            self._decoder = None
            if not self.congested:
                self.deadline = NEVER
        return octets

    def _hold(self, octets: bytes) -> None:
        """Keeps what came early, and reads no more until its turn."""
        self._held += octets
        self._transport.pause_reading()

    # ---- ending

    def _ended(self, error: BaseException | None) -> None:
        """The exchange is over; the next request, if it is here already, begins."""
        self._run = None
        if error is not None:
            self.desk.crashed(error, self.address)
            self.abort()
        if self.left or self._transport.is_closing():
            return
        if self._closing or self.half_closed or self._lingering or (self.draining and not self._promised):
            self._end()
            return
        self._promised = False
        if self._body is not None:
            self._body.take()  # what nobody read; reading goes on
        self._decoder = self._body = None
        if not self.congested:
            self.deadline = self._after(self._idle)
        if self._held:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Reads what is held, unless it is not its turn."""
        if self._held and self._run is None and not (self.left or self._closing or self.congested):
            held, self._held = self._held, b""
            self._transport.resume_reading()
            self._read_requests(held)

    def _end(self) -> None:
        """Closes when the answer is out; lingers if the sender may still be sending (RFC 9112 §9.6)."""
        if self._body is None or (self._body.ended and not self._held) or self.half_closed:
            self._close()
            return
        self._closing = self._lingering = True
        self._held = b""
        self._watch_taking()
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _close(self) -> None:
        """Ends in good order, once the sender has taken what was sent; it has not for ever to do so."""
        self._closing = True
        self._watch_taking()
        self._transport.close()

    def _watch_taking(self) -> None:
        """End the connection when the sender has taken nothing of what was sent for some time."""
        now = self.desk.deadlines.now()
        self._taking.begin(self._transport, now)
        self.deadline = self._taking.look(self._transport, now, self._patience)

    @property
    def _patience(self) -> float:
        """Seconds in which a sender takes something of what was sent; one that has all of it may only linger."""
        return LINGER if self._lingering and not self._taking.left else self.desk.terms.body_timeout

    @property
    def _idle(self) -> float:
        """Seconds in which the next request may begin."""
        return LINGER if self.draining else self.desk.terms.idle_timeout

    def _after(self, seconds: float) -> float:
        return self.desk.deadlines.now() + seconds

    def _refuse(self, error: ProxyError, *, lingers: bool = True) -> None:
        """Answers what never became a request, and ends."""
        self._closing = True
        self.desk.refuse(self, error, next(self.desk.ids))
        self._body = IncomingBody(self, None) if lingers else None
        self._end()
