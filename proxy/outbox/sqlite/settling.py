"""How the delivery of a message goes on, within a transaction. Settling twice does no harm."""

from proxy.outbox.message import MOST_ENTRIES, DeadLetterCode, HistoryEntry
from proxy.outbox.sqlite import orders
from proxy.outbox.sqlite.database import Database
from proxy.outbox.sqlite.schema import Place
from proxy.outbox.store import RouteHeld


def begin(database: Database, id_: str) -> None:
    """Counts an attempt, whose end is not known yet. Raises RouteHeld."""
    if database.tally.of(database.tally.taken.get(id_, "")).held:
        raise RouteHeld
    database.execute("UPDATE messages SET attempts = attempts + 1, begun = 1 WHERE id = ?", (id_,))


def release(database: Database, id_: str) -> None:
    """Gives a message back, as it was."""
    database.execute("UPDATE messages SET begun = 0 WHERE id = ? AND begun", (id_,))
    route = database.tally.taken.pop(id_, None)
    if route is not None:
        database.effects.due.add(route)


def delivered(database: Database, id_: str) -> None:
    """Removes a message."""
    row = database.row(id_)
    if row is not None:
        database.delete(row)
        orders.leave(database, row, database.clock.wall())


def deferred(database: Database, id_: str, next_at: float, entry: HistoryEntry) -> None:
    """Notes an attempt, and when the next is due: at the end of the message's time at the latest."""
    row = database.row(id_)
    database.tally.taken.pop(id_, None)
    if row is not None:
        expires_at = row.expires_at + orders.blocked_seconds(database, row.chain, row.seq, entry.at)
        database.execute("UPDATE messages SET begun = 0, due_at = ? WHERE seq = ?", (min(next_at, expires_at), row.seq))
        _note(database, row.seq, entry)
        database.effects.due.add(row.route)


def died(
    database: Database, id_: str, code: DeadLetterCode, entry: HistoryEntry | None, at: float | None = None
) -> None:
    """Makes a dead letter of a message; what it blocks does not age from `at` on, by default now."""
    row = database.row(id_)
    database.tally.taken.pop(id_, None)
    if row is None:
        return
    if entry is not None:
        _note(database, row.seq, entry)
    database.execute("UPDATE messages SET begun = 0, place = 2, code = ? WHERE seq = ?", (code.value, row.seq))
    if row.place != Place.DEAD:
        database.tally.add(row.route, waiting=-1, dead=1)
        if row.chain is not None:
            orders.block(database, row, database.clock.wall() if at is None else at)


def _note(database: Database, seq: int, entry: HistoryEntry) -> None:
    (latest,) = database.execute("SELECT coalesce(max(number), 0) FROM history WHERE seq = ?", (seq,)).fetchone()
    database.execute(
        "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)",
        (seq, latest + 1, entry.at, entry.status, entry.code, entry.diagnosis, entry.mpl_id),
    )
    number_to_drop = latest + 2 - MOST_ENTRIES
    if number_to_drop > 1:
        database.execute("DELETE FROM history WHERE seq = ? AND number = ?", (seq, number_to_drop))
