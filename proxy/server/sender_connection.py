"""The connection of one sender: reads requests one after the other, and runs an exchange for each.

It has one state (`sender_state.py`). A parser reads the requests (`request_parser.py`). Its base class writes answers
and closes the connection (`sender_transport.py`); both share the state, so that no call lies between the two.
"""

import asyncio
from typing import Final, cast

from proxy.errors import Overloaded, ProxyError, RequestTimeout, SenderLeft
from proxy.forwarding.answers import CONTINUE
from proxy.forwarding.request import Request
from proxy.forwarding.target import parse_target
from proxy.server import request_parser as parsing
from proxy.server import sender_state as states
from proxy.server.listener_context import ListenerContext
from proxy.server.request_parser import RequestEvent, RequestParser, body_length, expects_continue, unframed
from proxy.server.sender_transport import LINGER, SenderTransport
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import CoroutineRunner
from proxy.wire.deadlines import NEVER
from proxy.wire.grammar import RequestHead

AT_A_TIME: Final = 32
"Pipelined requests that are answered in one turn of the event loop."


class SenderConnection(SenderTransport):
    """The protocol of one connection."""

    def __init__(self, context: ListenerContext) -> None:
        super().__init__(context)
        limits = context.limits
        self._body: IncomingBody | None = None
        self._run: CoroutineRunner | None = None
        self._goes_on = False
        "Whether the next requests are read in the next turn of the event loop."
        self._parser = RequestParser(context.reader, max_head=limits.max_head, max_fields=limits.max_fields)

    @property
    def busy(self) -> bool:
        """Whether an exchange is running."""
        return self._run is not None

    # ---- what an exchange does with it

    def wake(self) -> None:
        """Wakes the exchange."""
        if self._run is not None:
            self._run.wake()

    def drain(self, seconds: float = LINGER) -> None:
        """Closes the connection after the running exchange; an idle sender has some seconds for a last request.

        Closing at once would reset a request that is on its way, also after an answer that said keep-alive.
        """
        state = self._state = (states.DRAIN if seconds > 0 else states.DRAIN_AT_ONCE)[self._state]
        if state is not states.DRAINING or self._parser.phase is parsing.IN_HEAD:
            return
        if not seconds:
            self._close()
        elif not self.congested:
            self.deadline = min(self.deadline, self._after(seconds))

    def give_up(self, failure: ProxyError) -> None:
        """Stops waiting for the rest of a request, and answers with the failure."""
        if self._parser.phase is parsing.IN_BODY:
            self._fail(failure)
        elif self._parser.phase is parsing.IN_HEAD and self._between:
            self._refuse(failure)

    def pause_reading(self) -> None:
        """Pauses reading from the socket."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resumes reading, unless the next request is here already."""
        if not self._parser.held:
            self._transport.resume_reading()

    # ---- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins, or refuses the connection."""
        over_ip, context = self._connected(cast("asyncio.Transport", transport)), self.context
        context.deadlines.watch(self)
        self.deadline = self._after(context.limits.idle_timeout)
        if context.drain_time is not None:
            self.drain(context.drain_time)
        refusal = context.admit(self)
        if refusal is not None:  # no lingering if descriptors are short, or before the TLS handshake
            self._refuse(refusal, lingers=not (self.secure or isinstance(refusal, Overloaded)))
        elif not self.address and over_ip:  # reset already: it is unknown whether its address is allowed
            self.abort()

    def data_received(self, octets: bytes) -> None:
        """Reads bytes of a request, of several, or of none."""
        parser, state, body = self._parser, self._state, self._body
        if parser.phase is parsing.IN_BODY and body is not None:
            parser.feed(octets)
            self.deadline = self._after(self.context.limits.body_timeout)
            self._receive(body, parser.next_event())
            self.wake()
        elif (state is states.IDLE or state is states.DRAINING) and not self.congested and not parser.held:
            parser.feed(octets)
            self._read_requests()
        elif parser.phase is not parsing.ERROR:
            self._hold(octets)

    def eof_received(self) -> bool:
        """Ends the input; an exchange with a complete request continues (RFC 9112 §9.6)."""
        self.half_closed = True
        self._state = states.CLOSE_AFTER[self._state]
        event = self._parser.end()
        if event is parsing.MALFORMED and self._parser.error is not None:
            self._fail(self._parser.error)
        else:
            self.wake()
        return self.busy

    def connection_lost(self, error: Exception | None) -> None:
        """Is called when the connection has ended, from either side."""
        del error
        self._state = states.LOST[self._state]
        self.left, self.congested = True, False
        self.context.deadlines.forget(self)
        self.context.connections.remove(self)
        self._fail(SenderLeft())

    def resume_writing(self) -> None:
        """Is called when the sender has caught up."""
        self.congested = False
        if self._run is not None:
            within = self._parser.phase is parsing.IN_BODY
            self.deadline = self._after(self.context.limits.body_timeout) if within else NEVER
            self.wake()
        elif self._between:
            self.deadline = self._after(self._idle)
            self._go_on()
        else:
            self._watch_progress()

    def deadline_reached(self) -> None:
        """Ends a silent connection between requests; within a request, answers with an error."""
        phase, limits = self._parser.phase, self.context.limits
        if self.congested or self._ending:
            self._check_progress()
        elif phase is parsing.IN_BODY and self._body is not None:
            if self._body.paused or self._body.uninvited:
                self.deadline = self._after(limits.body_timeout)
            else:
                seconds = f"{limits.body_timeout:g} s"
                self._fail(
                    RequestTimeout(f"Nothing more of the body arrived for {seconds}; see `limits.body_timeout`.")
                )
        elif phase is parsing.IN_HEAD:
            seconds = f"{limits.head_timeout:g} s"
            self._refuse(RequestTimeout(f"The head was not complete within {seconds}; see `limits.head_timeout`."))
        else:
            self._close()

    # ---- reading

    def _read_requests(self) -> None:
        """Runs a few exchanges, as long as each ends at once and the sender reads its answer."""
        parser = self._parser
        for _ in range(AT_A_TIME):
            phase = parser.phase
            event = parser.next_event()
            if event is parsing.HEAD and parser.head is not None:
                self._begin(parser.head)
            elif event is parsing.MALFORMED and parser.error is not None:
                self._refuse(parser.error)
            elif phase is not parser.phase:
                self.deadline = self._after(self.context.limits.head_timeout)
            if not parser.held or not self._between or self.congested:
                break
        if parser.held:
            self._transport.pause_reading()
            if self._run is None:
                self._go_on_soon()

    def _begin(self, head: RequestHead) -> None:
        """Starts the exchange of a request whose head is complete."""
        parser = self._parser
        event = parser.next_event()
        if parser.overrun:
            self._refuse(unframed(delivered=False))
            return
        self._state = (states.REQUEST if head.persistent else states.LAST_REQUEST)[self._state]
        body = self._body = IncomingBody(self, body_length(head))
        if event is parsing.END:
            body.fill(parser.consume())
            self.deadline = NEVER
        else:
            if expects_continue(head):
                body.invite = self._continue
            self.deadline = self._after(self.context.limits.body_timeout)
            self._receive(body, event)
        request_id = head.fields.value(b"x-request-id")[:128].decode("latin-1") or next(self.context.ids)
        request = Request(head, parse_target(head.target), body, self, request_id)
        run = self._run = CoroutineRunner(self.context.serve(request), self._ended)
        run.start()

    def _continue(self) -> None:
        """Asks the sender for the body (RFC 9110 §10.1.1)."""
        if self._state is not states.CLOSED:
            self._transport.write(CONTINUE)

    def _receive(self, body: IncomingBody, event: RequestEvent) -> None:
        """Passes what arrived to the body."""
        parser = self._parser
        if event is parsing.CONTENT:
            body.push(parser.consume())
        elif event is parsing.END:
            if parser.content:
                body.push(parser.consume())
            body.end()
            self._stop_waiting()
            if parser.held:
                self._transport.pause_reading()
        elif event is parsing.MALFORMED and parser.error is not None:
            self._state = states.CLOSE_AFTER[self._state]
            body.fail(parser.error)
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        """Ends the time limit of the body; the answer has limits of its own."""
        if not self.congested:
            self.deadline = NEVER

    def _hold(self, octets: bytes) -> None:
        """Keeps what came early, and pauses reading until its turn."""
        parser, state = self._parser, self._state
        parser.feed(octets)
        self._transport.pause_reading()
        if state is states.LAST_SERVING and parser.overrun_late and self._body is not None:
            self._body.overrun(unframed(delivered=True))

    def _fail(self, failure: Exception) -> None:
        """Fails the body, and wakes the exchange."""
        if self._body is not None:
            self._body.fail(failure)
            self._stop_waiting()
        self.wake()

    # ---- ending

    def _ended(self, error: BaseException | None) -> None:
        """Is called when the exchange has ended. Begins the next request if it is here already."""
        self._run = None
        body, self._body = self._body, None
        if error is not None:
            self.context.crashed(error, self.address)
            self.abort()
        if self._parser.phase is not parsing.DONE:
            self.close_after()
        state = self._state = states.ENDED[self._state]
        if state is states.LINGERING:
            self._end()
        elif (state is states.IDLE or state is states.DRAINING) and not self._transport.is_closing():
            if body is not None:
                body.consume()  # unread content; reading resumes
            self._parser.next_request()
            if not self.congested:
                self.deadline = self._after(self._idle)
            if self._parser.held:
                self._go_on_soon()

    def _go_on_soon(self) -> None:
        """Schedules `_go_on` once for the next turn of the event loop."""
        if not self._goes_on:
            self._goes_on = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Reads the held bytes, if it is their turn."""
        self._goes_on = False
        if self._parser.held and self._between and not self.congested:
            self._transport.resume_reading()
            self._read_requests()

    def _end(self) -> None:
        """Closes after the answer is sent; lingers if the sender may still be sending (RFC 9112 §9.6)."""
        if self._parser.quiet:
            self._close()
        elif not self._transport.is_closing():
            self._parser.discard()
            self._linger()

    def _refuse(self, error: ProxyError, *, lingers: bool = True) -> None:
        """Answers what never became a request, and ends."""
        self._state = states.REFUSED[self._state]
        self.context.refuse(self, error, next(self.context.ids))
        if lingers:
            self._end()
        else:
            self._close()
