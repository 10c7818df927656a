"""What the steps of one transaction share: the routes' numbers under a lock, the database's time, and whom to wake."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.notifications import CHANNEL
from proxy.store.postgres.transactions import NOW, rows

TOPIC: Final = "outbox"
"The first word of a notification; then come who sends it, and the route."

FIRST_OF: Final = """(
    SELECT CASE WHEN first.chain = asked.chain THEN first.seq END FROM cpi_proxy_outbox_messages AS first
    WHERE first.chain IS NOT NULL AND (first.chain, first.seq) >= (asked.chain, 0)
    ORDER BY first.chain, first.seq LIMIT 1)"""
"""The first message of an order, or NULL. Only the index of the orders has this sequence, so that no planner reads the
table because most messages have one order."""

_LOCK: Final = f"""
SELECT {NOW}, route, waiting, dead, bytes, held,
    CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END
FROM cpi_proxy_outbox_routes WHERE route = ANY(%s) ORDER BY route FOR UPDATE
"""
_ADD: Final = "INSERT INTO cpi_proxy_outbox_routes (route) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
_SAVE: Final = """
UPDATE cpi_proxy_outbox_routes AS present SET waiting = changed.waiting, dead = changed.dead, bytes = changed.bytes,
    held = changed.held
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[])
    AS changed (route, waiting, dead, bytes, held)
WHERE present.route = changed.route
"""
_NOTIFY: Final = f"SELECT pg_notify('{CHANNEL}', payload) FROM unnest(%s::text[]) AS told (payload)"


@dataclass(frozen=True, slots=True)
class Owner:
    """One process, as the database knows it."""

    name: bytes
    "Random."
    lease: float
    "Seconds for which a message that was taken is its own, unless it extends that."


@dataclass(slots=True)
class RouteCount:
    """The numbers of one route."""

    waiting: int = 0
    "With those that are being delivered."
    dead: int = 0
    bytes: int = 0
    held: bool = False


class Transaction:
    """One transaction, from `begin` to `end`."""

    _connection: Connection

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self._before: dict[str, RouteCount] = {}
        self.counts: dict[str, RouteCount] = {}
        self.now = 0.0
        self.due: set[str] = set()
        "Routes of which something may be due after it."

    async def begin(self, connection: Connection, routes: Iterable[str]) -> None:
        """Locks the routes, in their order."""
        self._connection = connection
        self.counts, self.due = {}, set()
        names = sorted(routes)
        if not names:
            return
        found = await self.rows(_LOCK, (names,))
        if len(found) < len(names):
            known = {row[1] for row in found}
            await self.execute(_ADD, ([name for name in names if name not in known],))
            found = await self.rows(_LOCK, (names,))
        self.now = found[0][0]
        self.counts = {row[1]: RouteCount(*row[2:6]) for row in found}
        self._before = {row[1]: RouteCount(*row[2:6]) for row in found}

    async def end(self) -> None:
        """Stores the numbers, and wakes the other replicas when it is committed."""
        changed = [(name, count) for name, count in self.counts.items() if count != self._before[name]]
        if changed:
            numbers = ((name, each.waiting, each.dead, each.bytes, each.held) for name, each in changed)
            await self.execute(_SAVE, tuple(map(list, zip(*numbers, strict=True))))
        if self.due:
            sender = self.owner.name.hex()
            await self.execute(_NOTIFY, ([f"{TOPIC} {sender} {route}" for route in sorted(self.due)],))

    async def rows(self, statement: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """Runs a statement, and returns all rows."""
        return await rows(self._connection, statement, parameters)

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        """Runs a statement."""
        await self._connection.execute(statement, parameters)
