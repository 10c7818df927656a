"""Heads that came before, and what they were read as: machines say the same thing over and over."""

from typing import Generic, TypeVar

Known = TypeVar("Known")


class Recall(Generic[Known]):
    """What heads were read as the second time that they came, by their octets.

    Reading is a pure function of the octets, so that nothing can go wrong but memory, which is bounded. A head that
    came once leaves a number only: many have an id of their own, and will not come again.
    """

    LARGEST, MOST, ROOM = 2 << 10, 256, 1 << 20
    "Octets of a head, heads, octets of all heads."

    def __init__(self, most: int = MOST) -> None:
        self._most, self._room = most, self.ROOM
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
        if size > self.LARGEST:
            return known
        if mark not in self._seen:
            if len(self._seen) >= self._most:
                self._seen.clear()
            self._seen.add(mark)
            return known
        if len(self._known) >= self._most or size > self._room:
            self._known.clear()
            self._room = self.ROOM
        self._known[octets] = known
        self._room -= size
        return known
