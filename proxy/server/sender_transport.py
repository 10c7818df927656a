"""The transport of a sender's connection: who is at its other end, answers on their way out, and how it ends."""

import asyncio

from proxy.forwarding.request import Sender
from proxy.server import sender_state as states
from proxy.server.listener_context import ListenerContext
from proxy.server.peer import peer_of, reset
from proxy.server.sender_state import SenderState
from proxy.wire.deadlines import NEVER
from proxy.wire.keepalive import keep_alive
from proxy.wire.unsent import PeerProgress

WRITE_HIGH_WATER = 32 << 10
"Octets of answers that may wait for a slow sender before `congested`."
LINGER = 2.0
"Seconds in which a refused sender may go on sending, so that it reads its answer, and an idle one may send its last."


class SenderTransport(Sender):
    """What an exchange asks often is a plain attribute."""

    context: ListenerContext
    "Of its listener."
    _transport: asyncio.Transport

    def __init__(self, context: ListenerContext) -> None:
        self.context = context
        self.secure = context.secure
        self.left = False
        self.half_closed = False
        self.congested = False
        self.address = ""
        self.local = ""
        self.subject = ""
        self.deadline = NEVER
        self._state: SenderState = states.IDLE
        self._progress = PeerProgress()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address} {self._state.value}>"

    # ---- what an exchange does with it

    def persistent(self) -> bool:
        """Whether the connection goes on after this exchange, as it stands now."""
        state = self._state
        return state is states.SERVING or state is states.ANSWERING or state is states.IDLE

    def send(self, octets: bytes) -> None:
        """Part of an answer; nothing if the sender has gone."""
        state = self._state = states.ANSWER[self._state]
        if state is not states.CLOSED:
            self._transport.write(octets)

    def close_after(self) -> None:
        """End the connection after this answer."""
        self._state = states.CLOSE_AFTER[self._state]

    def abort(self) -> None:
        """End the connection with a reset, so that what was sent does not look whole."""
        self._state = states.CLOSE[self._state]
        reset(self._transport)

    # ---- what the event loop tells

    def pause_writing(self) -> None:
        """The sender reads more slowly than we write."""
        self.congested = True
        self._watch_progress()

    def _connected(self, transport: asyncio.Transport) -> bool:
        """Notes who has connected; whether over IP."""
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self.address, self.local, over_ip = peer_of(transport)
        if self.address and over_ip:
            keep_alive(transport.get_extra_info("socket"))
        return over_ip

    # ---- ending

    def _linger(self) -> None:
        """Ends our side; the sender may go on sending for a while, so that no reset destroys its answer."""
        self._watch_progress()
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _close(self) -> None:
        """Ends in good order, once the sender has taken what was sent; it has not for ever to do so."""
        self._state = states.CLOSE[self._state]
        self._watch_progress()
        self._transport.close()

    # ---- time

    def _watch_progress(self) -> None:
        """End the connection when the sender has taken nothing of what was sent for some time."""
        now = self.context.deadlines.now()
        self._progress.begin(self._transport, now)
        self.deadline = self._progress.look(self._transport, now, self._patience)

    def _check_progress(self) -> None:
        """The end, or another look later."""
        now = self.context.deadlines.now()
        again = self._progress.look(self._transport, now, self._patience)
        if again <= now:
            self.abort()
        else:
            self.deadline = again

    def _after(self, seconds: float) -> float:
        return self.context.deadlines.now() + seconds

    @property
    def _patience(self) -> float:
        """Seconds in which a sender takes something of what was sent; one that has all of it may only linger."""
        lingers = self._state is states.LINGERING and not self._progress.left
        return LINGER if lingers else self.context.limits.body_timeout

    @property
    def _idle(self) -> float:
        """Seconds in which the next request may begin."""
        return LINGER if self._state is states.DRAINING else self.context.limits.idle_timeout

    @property
    def _between(self) -> bool:
        """Whether a request may begin."""
        return self._state is states.IDLE or self._state is states.DRAINING

    @property
    def _ending(self) -> bool:
        """Whether only the sender's taking of the last answer is waited for."""
        state = self._state
        return state is states.LINGERING or state is states.CLOSING or self._transport.is_closing()
