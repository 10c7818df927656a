"""Messages of one order as a chain: the first is its head, and only the head is delivered.

What a dead letter blocks does not age. So the times of a chain's messages are kept without the seconds for which the
chain was blocked; `pauses` has those seconds, for all of the chain at once, however long it is.
"""

from proxy.outbox.sqlite.database import SELECT, Database, Row
from proxy.outbox.sqlite.schema import Place


def chain_of(database: Database, route: str, order: bytes) -> tuple[bytes, bool]:
    """Returns the name of the chain, and whether it has messages: also such as were chained under an earlier key."""
    names = [key_id + digest for key_id, digest in database.keys.digests(order, b"order " + route.encode())]
    for name in names:
        if database.execute("SELECT 1 FROM messages WHERE chain = ? LIMIT 1", (name,)).fetchone():
            return name, True
    return names[0], False


def key_of(chain: bytes) -> bytes:
    """Returns the id of the key that made the name; PLAIN without one."""
    return chain[:-32]


def blocked_seconds(database: Database, chain: bytes | None, now: float) -> float:
    """Returns for how long the chain has been blocked, until now."""
    row = None
    if chain is not None:
        row = database.execute("SELECT paused, dead_since FROM pauses WHERE chain = ?", (chain,)).fetchone()
    if row is None:
        return 0.0
    paused, dead_since = row
    return float(paused + (0.0 if dead_since is None else max(0.0, now - dead_since)))


def block(database: Database, chain: bytes, now: float) -> None:
    """Notes that the chain's head is dead."""
    database.execute(
        "INSERT INTO pauses VALUES (?, 0, ?) ON CONFLICT (chain) DO UPDATE SET dead_since = excluded.dead_since",
        (chain, now),
    )


def unblock(database: Database, chain: bytes, now: float) -> None:
    """Notes that the chain's head is not dead any more."""
    paused = blocked_seconds(database, chain, now)
    database.execute("UPDATE pauses SET paused = ?, dead_since = NULL WHERE chain = ?", (paused, chain))


def leave(database: Database, row: Row, now: float) -> None:
    """After a message was removed: the next one is the head of its chain."""
    if row.chain is None:
        return
    database.tally.use(key_of(row.chain), -1)
    following = database.rows(f"{SELECT} WHERE chain = ? ORDER BY seq LIMIT 1", row.chain)
    if not following:
        database.execute("DELETE FROM pauses WHERE chain = ?", (row.chain,))
        return
    if row.place == Place.DEAD:
        unblock(database, row.chain, now)
    if following[0].place == Place.BEHIND:
        database.execute("UPDATE messages SET place = 0 WHERE seq = ?", (following[0].seq,))
        database.effects.due.add(row.route)
