"""Messages whose time is over become dead letters, unless they are being delivered.

`look_at` says when to see whether that is so. If it is empty that is `expires_at`, too early by the time for which an
order was blocked (orders.py): what is found too early gets the right time. What is blocked does not age, and is not
looked at again until it stands at the head of its order, or second.
"""

from math import inf

from proxy.outbox.message import INTERRUPTED, DeadLetter, DeadLetterCode, Expired, HistoryEntry
from proxy.outbox.sqlite import orders, settling
from proxy.outbox.sqlite.database import SELECT, Database, Row

_AT = "coalesce(look_at, expires_at)"
_ENDING = f"{SELECT} WHERE place < 2 AND route = ? AND {_AT} <= ? ORDER BY {_AT}, seq LIMIT ?"
_NEXT = f"SELECT id, {_AT} FROM messages WHERE place < 2 AND route = ? ORDER BY {_AT}, seq LIMIT ?"  # noqa: S608 - ours


def expire(database: Database, route: str, most: int, now: float, interrupted: DeadLetterCode) -> Expired:
    """Looks at up to `most` messages."""
    there = database.tally.taken_of(route)
    rows = [row for row in database.rows(_ENDING, route, now, most + len(there)) if row.id not in there][:most]
    found = []
    for row in rows:
        ends_at = _ends_at(database, row, now)
        if ends_at > now:
            database.execute("UPDATE messages SET look_at = ? WHERE seq = ?", (ends_at, row.seq))
            continue
        code = interrupted if row.begun else DeadLetterCode.EXPIRED
        entry = HistoryEntry(at=now, code=INTERRUPTED) if row.begun else None
        settling.died(database, row.id, code, entry, ends_at)
        found.append(DeadLetter(id=row.id, code=code, attempts=row.attempts, accepted_at=row.accepted_at))
    return Expired(messages=tuple(found), is_whole=len(rows) < most, next_at=_next_at(database, route))


def _ends_at(database: Database, row: Row, now: float) -> float:
    """Returns when the time of a message is over, unless it is blocked: then never."""
    if row.chain is None:
        return row.expires_at
    if orders.is_blocked(database, row.chain, row.seq):
        return inf
    present = database.row(row.id) or row  # one that died a moment ago may have changed it
    return present.expires_at + orders.blocked_seconds(database, row.chain, row.seq, now)


def _next_at(database: Database, route: str) -> float | None:
    there = database.tally.taken_of(route)
    for id_, at in database.execute(_NEXT, (route, len(there) + 1)):
        if id_ not in there:
            return None if at == inf else float(at)
    return None
