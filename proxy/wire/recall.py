"""What heads that came before were read as, by their octets: machines say the same thing over and over.

Reading is a pure function of the octets, so that nothing can go wrong but memory. It is bounded in size, and in time
too: heads hold credentials, and these are not to stay in memory long after they were needed.
"""

from typing import Generic, TypeVar

from proxy.wire.deadlines import NEVER, Deadlines

Known = TypeVar("Known")


class Recall(Generic[Known]):
    """Remembers for at most LONGEST; a head that goes on coming is read again once in that time."""

    LARGEST, MOST, LONGEST = 2 << 10, 256, 60.0
    "Octets of a head, heads, and seconds."

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.deadline = NEVER
        self._known: dict[bytes, Known] = {}
        self.get = self._known.get

    def keep(self, octets: bytes, known: Known) -> Known:
        """Remember it; when there is no room, all is forgotten."""
        if len(octets) <= self.LARGEST:
            if len(self._known) >= self.MOST:
                self._known.clear()
            if not self._known:
                self.deadline = self._deadlines.now() + self.LONGEST
                self._deadlines.watch(self)
            self._known[octets] = known
        return known

    def expire(self) -> None:
        """All is forgotten, whenever it came: the time is over, or nothing more will come."""
        self._known.clear()
        self._deadlines.forget(self)
