"""The writing half of a sender's connection: addresses, answers, and how it ends."""

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
"Bytes of answers that may wait for a slow sender before `congested`."
LINGER = 2.0
"Seconds in which a refused sender may go on sending, to read its answer, and an idle one may send a last request."


class SenderTransport(Sender):
    """Plain attributes, because an exchange reads them often."""

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
        """Whether the connection stays open after this exchange, as it stands now."""
        state = self._state
        return state is states.SERVING or state is states.ANSWERING or state is states.IDLE

    def send(self, octets: bytes) -> None:
        """Sends a part of an answer, unless the sender has disconnected."""
        state = self._state = states.ANSWER[self._state]
        if state is not states.CLOSED:
            self._transport.write(octets)

    def close_after(self) -> None:
        """Closes the connection after this answer."""
        self._state = states.CLOSE_AFTER[self._state]

    def abort(self) -> None:
        """Resets the connection, so that what was sent does not look complete."""
        self._state = states.CLOSE[self._state]
        reset(self._transport)

    # ---- what the event loop tells

    def pause_writing(self) -> None:
        """Is called when the sender reads more slowly than we write."""
        self.congested = True
        self._watch_progress()

    def _connected(self, transport: asyncio.Transport) -> bool:
        """Keeps the addresses. Returns whether the connection is over IP."""
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self.address, self.local, over_ip = peer_of(transport)
        if self.address and over_ip:
            keep_alive(transport.get_extra_info("socket"))
        return over_ip

    # ---- ending

    def _linger(self) -> None:
        """Ends our side. The sender may go on sending for a while, so that no reset destroys its answer."""
        self._watch_progress()
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _close(self) -> None:
        """Closes once the sender has read what was sent, within a limited time."""
        self._state = states.CLOSE[self._state]
        self._watch_progress()
        self._transport.close()

    # ---- time

    def _watch_progress(self) -> None:
        """Begins to watch whether the sender reads what was sent."""
        now = self.context.deadlines.now()
        self._progress.begin(self._transport, now)
        self.deadline = self._progress.look(self._transport, now, self._patience)

    def _check_progress(self) -> None:
        """Resets the connection if the sender has read nothing for too long."""
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
        """Seconds in which the sender has to read some of what was sent; once it has everything, it may only linger."""
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
        """Whether the connection only waits for the sender to read the last answer."""
        state = self._state
        return state is states.LINGERING or state is states.CLOSING or self._transport.is_closing()
