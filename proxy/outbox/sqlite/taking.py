"""Which messages are due, and taking them."""

from collections.abc import Callable, Sequence

from proxy.outbox import contents
from proxy.outbox.message import DeadLetterCode, HistoryEntry, StoredBody, TakenMessage
from proxy.outbox.sqlite import orders, settling
from proxy.outbox.sqlite.database import SELECT, Database, Row

_DUE = f"{SELECT} WHERE place = 0 AND route = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?"
_NEXT = "SELECT id, due_at FROM messages WHERE place = 0 AND route = ? ORDER BY due_at, seq LIMIT ?"

FileOf = Callable[[Row], StoredBody]


def take(database: Database, route: str, most: int, now: float, file_of: FileOf) -> Sequence[TakenMessage]:
    """Takes messages that are due. One that cannot be read becomes a dead letter."""
    if database.tally.of(route).held:
        return []
    taken: list[TakenMessage] = []
    there = database.tally.taken_of(route)
    for row in database.rows(_DUE, route, now, most + len(there)):
        if row.id in there or len(taken) == most:
            continue
        try:
            taken.append(_message(database, row, now, file_of))
        except ValueError as error:
            entry = HistoryEntry(at=now, code="content_unreadable", diagnosis=str(error))
            settling.died(database, row.id, DeadLetterCode.UNCERTAIN, entry)
        else:
            database.tally.taken[row.id] = route
    return taken


def next_due(database: Database, route: str) -> float | None:
    """Returns when the next message that is not being delivered is due."""
    if database.tally.of(route).held:
        return None
    there = database.tally.taken_of(route)
    for id_, due_at in database.execute(_NEXT, (route, len(there) + 1)):
        if id_ not in there:
            return float(due_at)
    return None


def _message(database: Database, row: Row, now: float, file_of: FileOf) -> TakenMessage:
    method, content = read_content(database, row)
    return TakenMessage(
        id=row.id,
        route=row.route,
        sender_id=content.sender_id,
        method=method,
        target=content.target,
        fields=content.fields,
        body=content.body if row.file is None else file_of(row),
        accepted_at=row.accepted_at,
        expires_at=row.expires_at + orders.blocked_seconds(database, row.chain, row.seq, now),
        attempts=row.attempts,
        interrupted=bool(row.begun),
    )


def read_content(database: Database, row: Row) -> tuple[str, contents.Content]:
    """Returns the method and the content. Raises KeyMissing or ValueForged."""
    method, value = database.execute("SELECT method, content FROM contents WHERE seq = ?", (row.seq,)).fetchone()
    return method, contents.unseal(database.keys, row.key_id, value, row.id, row.route)
