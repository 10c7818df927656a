"""What is counted, so that nobody has to count: messages by route, uses of each key, and what is being delivered.

The counts are in memory, and are stored with the transaction that changed them. What is being delivered is in memory
only: after a crash nothing is.
"""

import sqlite3
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class RouteCount(NamedTuple):
    """The numbers of one route."""

    waiting: int = 0
    "With those that are being delivered."
    dead: int = 0
    bytes: int = 0
    held: int = 0


NOTHING = RouteCount()


class Tally:
    """The numbers of a database. `rollback` returns to those of the latest `commit`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT route, waiting, dead, bytes, held FROM routes")
        self.routes = {route: RouteCount(*numbers) for route, *numbers in rows}
        self.key_uses: dict[bytes, int] = dict(connection.execute("SELECT key_id, uses FROM key_uses"))
        self.taken: dict[str, str] = {}
        "The route of each message that is being delivered, by its id."
        self.commit()

    def of(self, route: str) -> RouteCount:
        """Returns the numbers of a route."""
        return self.routes.get(route, NOTHING)

    def taken_of(self, route: str) -> AbstractSet[str]:
        """Returns the ids that are being delivered."""
        return {id_ for id_, of in self.taken.items() if of == route}

    def add(self, route: str, *, waiting: int = 0, dead: int = 0, size: int = 0) -> None:
        """Counts messages of a route, negative numbers for those that leave."""
        count = self.of(route)
        self._set(route, RouteCount(count.waiting + waiting, count.dead + dead, count.bytes + size, count.held))

    def hold(self, route: str, *, held: bool) -> None:
        """Notes whether the route is held."""
        self._set(route, self.of(route)._replace(held=int(held)))

    def use(self, key_id: bytes, uses: int = 1) -> None:
        """Counts a use of a key; -1 if one ends. What is not encrypted uses none."""
        if key_id:
            self.key_uses[key_id] = self.key_uses.get(key_id, 0) + uses
            if not self.key_uses[key_id]:
                del self.key_uses[key_id]

    def resume(self, taken: dict[str, str]) -> None:
        """Goes on with what was being delivered when the database was opened again."""
        self.taken = taken.copy()
        self.commit()

    def save(self, connection: sqlite3.Connection) -> None:
        """Stores what has changed since the latest commit."""
        for route, count in self.routes.items() ^ self._routes.items():
            if self.routes.get(route) == count:
                connection.execute("REPLACE INTO routes VALUES (?, ?, ?, ?, ?)", (route, *count))
            elif route not in self.routes:
                connection.execute("DELETE FROM routes WHERE route = ?", (route,))
        for key_id, uses in self.key_uses.items() ^ self._key_uses.items():
            if self.key_uses.get(key_id) == uses:
                connection.execute("REPLACE INTO key_uses VALUES (?, ?)", (key_id, uses))
            elif key_id not in self.key_uses:
                connection.execute("DELETE FROM key_uses WHERE key_id = ?", (key_id,))

    def commit(self) -> None:
        """Makes the present numbers those to which `rollback` returns."""
        self._routes, self._key_uses, self._taken = self.routes.copy(), self.key_uses.copy(), self.taken.copy()

    def rollback(self) -> None:
        """Returns to the numbers of the latest commit."""
        self.routes, self.key_uses, self.taken = self._routes.copy(), self._key_uses.copy(), self._taken.copy()

    def _set(self, route: str, count: RouteCount) -> None:
        if count == NOTHING:
            self.routes.pop(route, None)
        else:
            self.routes[route] = count
