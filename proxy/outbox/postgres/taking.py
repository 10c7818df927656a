"""Which messages are due, and taking them: each by one replica, for the time of a lease."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.outbox.postgres.transaction import Owner
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.transactions import NOW, rows

TAKE: Final = f"""
WITH due AS (
    SELECT seq, free_at, begun FROM cpi_proxy_outbox_messages
    WHERE place = 0 AND route = %(route)s AND free_at <= (SELECT {NOW} + %(ahead)s) AND NOT id = ANY(%(running)s)
        AND NOT EXISTS (SELECT FROM cpi_proxy_outbox_routes WHERE route = %(route)s AND held)
    ORDER BY free_at, seq LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE cpi_proxy_outbox_messages AS message
SET owner = %(owner)s, fence = fence + 1, free_at = {NOW} + %(lease)s
FROM due WHERE message.seq = due.seq
RETURNING due.free_at, message.seq, id, fence, accepted_at,
    expires_at + coalesce((SELECT paused FROM cpi_proxy_outbox_pauses AS pause WHERE pause.chain = message.chain), 0),
    attempts, due.begun, key_id, content, body, body_size, {NOW}
"""
"The head of an order is not dead, so that nothing blocks it now."

NEXT: Final = f"""
SELECT free_at - {NOW} FROM cpi_proxy_outbox_messages
WHERE place = 0 AND route = %(route)s AND NOT id = ANY(%(running)s)
    AND NOT EXISTS (SELECT FROM cpi_proxy_outbox_routes WHERE route = %(route)s AND held)
ORDER BY free_at, seq LIMIT 1
"""

ACTIVE: Final = "SELECT route FROM cpi_proxy_outbox_routes WHERE waiting > 0 AND NOT held"

SHORTEN: Final = f"""
UPDATE cpi_proxy_outbox_messages SET free_at = {NOW} + %(lease)s WHERE seq IN (
    SELECT seq FROM cpi_proxy_outbox_messages
    WHERE owner IS NOT NULL AND free_at > (SELECT {NOW} + 2 * %(lease)s) FOR UPDATE SKIP LOCKED)
"""

GIVE_BACK: Final = """
UPDATE cpi_proxy_outbox_messages SET owner = NULL, free_at = due_at WHERE owner = %s RETURNING route
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRow:
    """A message that this process has taken, as it is stored."""

    id: str
    fence: int
    accepted_at: float
    expires_at: float
    attempts: int
    begun: bool
    key_id: bytes
    content: bytes = field(repr=False)
    body: str | None
    body_size: int
    now: float
    "The database's time."


async def take(
    connection: Connection, *, owner: Owner, route: str, most: int, ahead: float, running: Sequence[str]
) -> Sequence[TakenRow]:
    """Takes messages that are due `ahead` seconds from now, except those that run here already."""
    parameters = {"route": route, "most": most, "ahead": ahead, "running": running}
    found = await rows(connection, TAKE, parameters | {"owner": owner.name, "lease": owner.lease})
    return [_row(each) for each in sorted(found, key=lambda row: row[:2])]


async def next_due(connection: Connection, *, route: str, running: Sequence[str]) -> float | None:
    """Returns in how many seconds the next message is due that does not run here; that may be the end of a lease."""
    found = await rows(connection, NEXT, {"route": route, "running": running})
    return found[0][0] if found else None


async def active(connection: Connection) -> Sequence[str]:
    """Returns the routes that have messages to be delivered."""
    return [route for (route,) in await rows(connection, ACTIVE)]


async def shorten(connection: Connection, owner: Owner) -> None:
    """Ends leases in the usual time that would end later than any can: the database's clock was set back.

    A replica that lives goes on extending its own, so that nothing that is being delivered is taken over.
    """
    await connection.execute(SHORTEN, {"lease": owner.lease})


async def give_back(connection: Connection, owner: Owner) -> Sequence[str]:
    """Ends all leases of this process; returns the routes. What was begun stays so."""
    return sorted({route for (route,) in await rows(connection, GIVE_BACK, (owner.name,))})


def _row(values: tuple[Any, ...]) -> TakenRow:
    _, _, id_, fence, accepted_at, expires_at, attempts, begun, key_id, content, body, body_size, now = values
    return TakenRow(
        id=id_,
        fence=fence,
        accepted_at=accepted_at,
        expires_at=expires_at,
        attempts=attempts,
        begun=begun,
        key_id=bytes(key_id),
        content=bytes(content),
        body=body,
        body_size=body_size,
        now=now,
    )
