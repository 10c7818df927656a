"""One clock hand for all timeouts: what has a deadline is looked at four times a second.

A timer for each of them would have to be made and cancelled several times an exchange; moving a deadline here is one
assignment. The price is that a timeout strikes up to a quarter of a second late.

Before a timeout strikes, the event loop reads what has come. After the process stood still (SIGSTOP, a frozen
container), timers that are due run first, and an answer that is there would be taken for one that is missing.
"""

import asyncio
from typing import Final, Protocol

NEVER: Final = float("inf")
TICK: Final = 0.25
"Seconds between two looks."


class Timed(Protocol):
    """Something with a deadline in seconds of the loop's clock; NEVER for none."""

    deadline: float

    def deadline_reached(self) -> None:
        """What happens at the deadline; it has been set to NEVER before."""
        ...


class Deadlines:
    """Everything of one event loop that may expire."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.now = loop.time
        "Seconds; what deadlines are compared with."
        self._watched: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looked = -NEVER
        "When the last look was."

    def watch(self, timed: Timed) -> None:
        """From now on, until `forget`."""
        self._watched.add(timed)
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._look)

    def forget(self, timed: Timed) -> None:
        """No longer."""
        self._watched.discard(timed)

    def _look(self) -> None:
        self._timer = self._loop.call_later(TICK, self._look) if self._watched else None
        self._looked = self._loop.time()
        if any(each.deadline <= self._looked for each in self._watched):
            self._loop.call_later(0, self._let_read)

    def _let_read(self) -> None:
        """A turn of the loop lies behind this call: asyncio reads before such a call, uvloop after it."""
        self._loop.call_later(0, self._strike)

    def _strike(self) -> None:
        """What was due at the look and still is has had its time."""
        for timed in [each for each in self._watched if each.deadline <= self._looked]:
            if timed.deadline <= self._looked:  # the expiry of another may have moved it
                timed.deadline = NEVER
                timed.deadline_reached()
