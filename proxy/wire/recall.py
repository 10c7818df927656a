"""Heads that came before, and what they were read as, by their octets: machines say the same thing over and over.

Reading is a pure function of the octets, so that nothing can go wrong but memory. It is bounded in size, and in time
too: heads hold credentials, and these are not to stay in memory long after they were needed.
"""

from typing import Generic, TypeVar

from proxy.wire.deadlines import NEVER, Deadlines

LARGEST = 2 << 10
"Octets of a head that is remembered."
MOST = 256
"Heads."
ROOM = 1 << 20
"Octets of all heads."
LONGEST = 60.0
"Seconds."

Known = TypeVar("Known")


class Recall(Generic[Known]):
    """Remembers what came twice, for at most LONGEST; a head that goes on coming is read again then.

    A head that came once leaves a number only: many have an id of their own, and will not come again.
    """

    def __init__(self, deadlines: Deadlines, most: int = MOST) -> None:
        self._deadlines = deadlines
        self.deadline = NEVER
        self._most, self._room = most, ROOM
        self._known: dict[bytes, Known] = {}
        self._seen: set[int] = set()
        self.get = self._known.get

    @property
    def kept(self) -> int:
        """How many heads are remembered."""
        return len(self._known)

    @property
    def marks(self) -> int:
        """How many heads are known to have come, be it once."""
        return len(self._seen)

    def keep(self, octets: bytes, known: Known) -> Known:
        """Remember it, if it comes again; where there is no room, all is forgotten."""
        size, mark = len(octets), hash(octets)
        if size > LARGEST:
            return known
        if mark not in self._seen:
            if len(self._seen) >= self._most:
                self._seen.clear()
            self._seen.add(mark)
            return known
        if len(self._known) >= self._most or size > self._room:
            self._forget()
        if not self._known:
            self.deadline = self._deadlines.now() + LONGEST
            self._deadlines.watch(self)
        self._known[octets] = known
        self._room -= size
        return known

    def expire(self) -> None:
        """All is forgotten, whenever it came: the time is over, or nothing more will come."""
        self._forget()
        self._deadlines.forget(self)

    def _forget(self) -> None:
        self._known.clear()
        self._room = ROOM
