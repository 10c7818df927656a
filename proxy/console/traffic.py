"""The last exchanges: an observer that only keeps records. They are rendered when somebody looks."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import islice
from typing import Final

from proxy.observe.exchange_record import ExchangeRecord

KEPT: Final = 500
"Exchanges that reached a route."
REFUSALS: Final = 100
"Refusals that reached none. Anyone can cause them, so they do not displace the others."

Entry = tuple[int, float, ExchangeRecord]
"Its number, the wall time of its end, and the record."


class Traffic:
    """Keeps the newest exchanges over reloads, and numbers them in the order in which they ended."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._routed: deque[Entry] = deque(maxlen=KEPT)
        self._refused: deque[Entry] = deque(maxlen=REFUSALS)
        self._prefix = secrets.token_hex(3)
        "Ids of an earlier process mean nothing here."
        self.total = 0

    def finished(self, record: ExchangeRecord) -> None:
        """Keeps the record of a finished exchange."""
        self.total = number = self.total + 1
        if record.route:
            self._routed.append((number, self._wall(), record))
        else:
            record.release()
            self._refused.append((number, self._wall(), record))

    def newest(self, most: int = KEPT, *, after: int = 0) -> list[Entry]:
        """Returns the newest entries first, with numbers above `after`."""
        found: list[Entry] = []
        for entry in islice(self._all(), most):
            if entry[0] <= after:
                break
            found.append(entry)
        return found

    def identifier(self, entry: Entry) -> str:
        """Returns what names an entry in URLs."""
        return f"{self._prefix}-{entry[0]:x}"

    def find(self, identifier: str) -> Entry | None:
        """Returns the entry, if it is still kept."""
        return next((entry for entry in self._all() if self.identifier(entry) == identifier), None)

    def entry_of(self, record: ExchangeRecord) -> Entry | None:
        """Returns the entry of a record, if it is still kept."""
        return next((entry for entry in self._all() if entry[2] is record), None)

    def _all(self) -> Iterator[Entry]:
        return merge(reversed(self._routed), reversed(self._refused), key=lambda entry: -entry[0])
