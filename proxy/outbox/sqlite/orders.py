"""Messages of one order as a chain: the first is its head, and only the head is delivered.

What a dead letter blocks does not age. So the times of a chain's messages are kept without the seconds for which the
chain was blocked; `pauses` has those seconds, for all of the chain at once, however long it is. Mostly the head is what
is dead. If a message behind it has died, because its time was over, what stands before that one ages as ever.
"""

from proxy.outbox.sqlite.database import Database, Row
from proxy.outbox.sqlite.schema import Place

_PLACE = "SELECT seq, place, look_at FROM messages"


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


def blocked_seconds(database: Database, chain: bytes | None, seq: int | None, now: float) -> float:
    """Returns for how long a message has been blocked, until now; without a number that of a new one at the end."""
    row = None
    if chain is not None:
        row = database.execute("SELECT paused, dead_since FROM pauses WHERE chain = ?", (chain,)).fetchone()
    if row is None:
        return 0.0
    paused, dead_since = row
    if dead_since is None or (seq is not None and not is_blocked(database, chain, seq)):
        return float(paused)
    return float(paused + max(0.0, now - dead_since))


def is_blocked(database: Database, chain: bytes | None, seq: int) -> bool:
    """Returns whether a dead letter stands before a message."""
    first = _first_dead(database, chain)
    return first is not None and first < seq


def block(database: Database, row: Row, at: float) -> None:
    """After a message has died: what stands behind it does not age from then on."""
    find = "SELECT seq FROM messages WHERE chain = ? AND place = 2 AND seq <> ? ORDER BY seq LIMIT 1"
    other = database.execute(find, (row.chain, row.seq)).fetchone()
    if other is not None:
        if other[0] < row.seq:
            return
        at = _settle(database, row.chain, other[0], at)
    database.execute(
        "INSERT INTO pauses VALUES (?, 0, ?) ON CONFLICT (chain) DO UPDATE SET dead_since = excluded.dead_since",
        (row.chain, at),
    )


def unblock(database: Database, row: Row, now: float) -> None:
    """After a dead letter has been removed, or lives again: what it alone blocked ages again."""
    first = _first_dead(database, row.chain)
    if first is not None and first < row.seq:
        return
    _settle(database, row.chain, row.seq, now)
    since = None if first is None else now
    database.execute("UPDATE pauses SET dead_since = ? WHERE chain = ?", (since, row.chain))


def leave(database: Database, row: Row, now: float) -> None:
    """After a message was removed: the next one is the head of its chain."""
    if row.chain is None:
        return
    database.tally.use(key_of(row.chain), -1)
    if row.place == Place.DEAD:
        unblock(database, row, now)
    lead(database, row)


def lead(database: Database, row: Row) -> None:
    """After a message was removed, or has come back to life: the first one is the head.

    The ages of the first two, and of the one behind the message, are looked at again, unless they are dead. What is
    behind these is not over before them, and is blocked then.
    """
    early = database.execute(f"{_PLACE} WHERE chain = ? ORDER BY seq LIMIT 2", (row.chain,)).fetchall()
    if not early:
        database.execute("DELETE FROM pauses WHERE chain = ?", (row.chain,))
        return
    if early[0][1] == Place.BEHIND:
        database.execute("UPDATE messages SET place = 0 WHERE seq = ?", (early[0][0],))
        database.effects.due.add(row.route)
    if row.place != Place.HEAD:
        early += database.execute(f"{_PLACE} WHERE chain = ? AND seq > ? ORDER BY seq LIMIT 1", (row.chain, row.seq))
    for seq, place, look_at in early:
        if place != Place.DEAD and look_at is not None:
            database.execute("UPDATE messages SET look_at = NULL WHERE seq = ?", (seq,))
            database.effects.due.add(row.route)


def _first_dead(database: Database, chain: bytes | None) -> int | None:
    find = "SELECT seq FROM messages WHERE chain = ? AND place = 2 ORDER BY seq LIMIT 1"
    found = database.execute(find, (chain,)).fetchone()
    return None if found is None else int(found[0])


def _settle(database: Database, chain: bytes | None, first: int, at: float) -> float:
    """Notes for how long the first dead letter has blocked, until `at`: not what stands before it, which has aged.

    Returns when that time ends; not before it began.
    """
    (since,) = database.execute("SELECT dead_since FROM pauses WHERE chain = ?", (chain,)).fetchone()
    seconds = max(0.0, at - since)
    database.execute("UPDATE pauses SET paused = paused + ?, dead_since = NULL WHERE chain = ?", (seconds, chain))
    database.execute(
        "UPDATE messages SET expires_at = expires_at - ? WHERE chain = ? AND seq < ?", (seconds, chain, first)
    )
    return float(since + seconds)
