"""One timer for all timeouts, which checks all deadlines four times a second.

A timer for each of them would have to be made and cancelled several times an exchange; moving a deadline here is one
assignment. The price is that a timeout strikes up to a quarter of a second late.

Before a timeout strikes, the event loop reads what has come. After the process stood still (SIGSTOP, a frozen
container), timers that are due run first, and an answer that is there would be taken for one that is missing.
"""

import asyncio
from typing import Final, Protocol

NEVER: Final = float("inf")
TICK: Final = 0.25
"Seconds between two checks."


class Timed(Protocol):
    """Something with a deadline in seconds of the loop's clock; NEVER for none."""

    deadline: float

    def deadline_reached(self) -> None:
        """Is called at the deadline, which has been set to NEVER before."""
        ...


class Deadlines:
    """The deadlines of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.now = loop.time
        "Seconds; what deadlines are compared with."
        self._watched: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looked = -NEVER
        "When the last check was."

    def watch(self, timed: Timed) -> None:
        """Watches its deadline until `forget`."""
        self._watched.add(timed)
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._look)

    def forget(self, timed: Timed) -> None:
        """Stops watching."""
        self._watched.discard(timed)

    def _look(self) -> None:
        self._timer = self._loop.call_later(TICK, self._look) if self._watched else None
        self._looked = self._loop.time()
        if any(each.deadline <= self._looked for each in self._watched):
            self._loop.call_later(0, self._let_read)

    def _let_read(self) -> None:
        """Waits one more turn of the loop: asyncio reads before such a call, uvloop after it."""
        self._loop.call_later(0, self._strike)

    def _strike(self) -> None:
        """Calls what was due at the check and still is."""
        for timed in [each for each in self._watched if each.deadline <= self._looked]:
            if timed.deadline <= self._looked:  # the expiry of another may have moved it
                timed.deadline = NEVER
                timed.deadline_reached()
