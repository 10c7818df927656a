"""What people see of the messages, and decide about them."""

from collections.abc import Sequence

from proxy.errors import OutboxUnavailable
from proxy.outbox.contents import Content
from proxy.outbox.failures import unreadable
from proxy.outbox.message import (
    HistoryEntry,
    MessageDetails,
    MessageState,
    MessageSummary,
    RouteSummary,
    StoredBody,
    seq_at,
)
from proxy.outbox.sqlite import orders, sender_ids
from proxy.outbox.sqlite.database import SELECT, Database, Row
from proxy.outbox.sqlite.schema import Place
from proxy.outbox.sqlite.taking import FileOf, read_content
from proxy.outbox.store import MessageBusy, MessageUnknown

_ALIVE = f"{SELECT} WHERE place < 2 AND route = ? AND seq >= ? ORDER BY seq LIMIT ?"
_DEAD = f"{SELECT} WHERE place = 2 AND route = ? AND seq >= ? ORDER BY seq LIMIT ?"
_OLDEST = "SELECT accepted_at FROM messages WHERE place < 2 AND route = ? ORDER BY seq LIMIT 1"


def routes(database: Database) -> Sequence[RouteSummary]:
    """Returns the numbers of each route: one look-up for each, for its oldest message."""
    summaries = []
    for route, count in sorted(database.tally.routes.items()):
        delivering = len(database.tally.taken_of(route))
        oldest = database.execute(_OLDEST, (route,)).fetchone() if count.waiting else None
        summaries.append(
            RouteSummary(
                route=route,
                waiting=count.waiting - delivering,
                delivering=delivering,
                dead=count.dead,
                held=bool(count.held),
                oldest_at=None if oldest is None else oldest[0],
                bytes=count.bytes,
            )
        )
    return summaries


def messages(
    database: Database, route: str | None, state: MessageState | None, limit: int, after: str | None
) -> Sequence[MessageSummary]:
    """Returns messages by their acceptance: asked of each route apart, so that none is passed over one by one."""
    begin = 0 if after is None else _seq_after(database, after)
    rows: list[Row] = []
    if state is MessageState.DELIVERING:
        found = [database.row(id_) for id_ in database.tally.taken]
        rows = [row for row in found if row is not None and row.seq >= begin and route in {None, row.route}]
    else:
        for each in database.tally.routes if route is None else [route]:
            rows += _rows(database, each, state, begin, limit)
    return [summary(database, row) for row in sorted(rows, key=lambda row: row.seq)[:limit]]


def details(database: Database, id_: str) -> MessageDetails:
    """Returns one message. Raises MessageUnknown, or OutboxUnavailable if it cannot be read."""
    row = known(database, id_)
    method, content = _content(database, row)
    history = database.execute(
        "SELECT at, status, code, diagnosis, mpl_id FROM history WHERE seq = ? ORDER BY number", (row.seq,)
    )
    return MessageDetails(
        summary=summary(database, row),
        method=method,
        target=content.target,
        fields=content.fields,
        sender_id=content.sender_id,
        expires_at=row.expires_at + orders.blocked_seconds(database, row.chain, row.seq, database.clock.wall()),
        history=tuple(
            HistoryEntry(at=at, status=status, code=code, diagnosis=diagnosis, mpl_id=mpl_id)
            for at, status, code, diagnosis, mpl_id in history
        ),
    )


def body(database: Database, id_: str, file_of: FileOf) -> "bytes | StoredBody":
    """Returns the body of a message. Raises MessageUnknown, or OutboxUnavailable if it cannot be read."""
    row = known(database, id_)
    return _content(database, row)[1].body if row.file is None else file_of(row)


def retry(database: Database, id_: str, now: float) -> MessageSummary:
    """Makes a message due. A dead one has all of its time again."""
    row = _idle(database, id_)
    if row.place == Place.DEAD:
        _revive(database, row, now)
    blocked = orders.blocked_seconds(database, row.chain, row.seq, now)
    expires_at = now + row.lifetime if row.place == Place.DEAD else row.expires_at + blocked
    database.execute(
        "UPDATE messages SET due_at = ?, expires_at = ?, look_at = NULL WHERE seq = ?",
        (min(now, expires_at), expires_at - blocked, row.seq),
    )
    database.effects.due.add(row.route)
    return summary(database, known(database, id_))


def discard(database: Database, id_: str) -> MessageSummary:
    """Removes a message, and what is remembered of its sender's id."""
    row = _idle(database, id_)
    discarded = summary(database, row)
    sender_id = _sender_id(database, row)
    database.delete(row)
    orders.leave(database, row, database.clock.wall())
    if sender_id:
        sender_ids.forget(database, row.route, sender_id, id_)
    return discarded


def hold(database: Database, route: str, *, held: bool) -> None:
    """Stops the delivery of a route, or starts it again."""
    database.tally.hold(route, held=held)
    if not held:
        database.effects.due.add(route)


def known(database: Database, id_: str) -> Row:
    """Returns a message. Raises MessageUnknown."""
    row = database.row(id_)
    if row is None:
        raise MessageUnknown(id_)
    return row


def summary(database: Database, row: Row) -> MessageSummary:
    """Returns what `outbox list` shows of a message."""
    state = MessageState.DEAD if row.place == Place.DEAD else MessageState.WAITING
    if row.id in database.tally.taken:
        state = MessageState.DELIVERING
    is_due = state is MessageState.WAITING and row.place == Place.HEAD
    return MessageSummary(
        id=row.id,
        route=row.route,
        state=state,
        code=row.code,
        attempts=row.attempts,
        accepted_at=row.accepted_at,
        next_at=row.due_at if is_due else None,
        bytes=row.size,
        seq=row.seq,
    )


def _revive(database: Database, row: Row, now: float) -> None:
    """Has a dead letter wait again, in its old place."""
    place = Place.HEAD if row.chain is None else Place.BEHIND
    database.execute("UPDATE messages SET place = ?, code = '' WHERE seq = ?", (int(place), row.seq))
    database.tally.add(row.route, waiting=1, dead=-1)
    if row.chain is not None:
        orders.unblock(database, row, now)
        orders.lead(database, row)


def _rows(database: Database, route: str, state: MessageState | None, begin: int, limit: int) -> Sequence[Row]:
    rows: list[Row] = []
    if state is not MessageState.WAITING:
        rows += database.rows(_DEAD, route, begin, limit)
    if state is not MessageState.DEAD:
        taken = database.tally.taken_of(route) if state is MessageState.WAITING else frozenset()
        alive = database.rows(_ALIVE, route, begin, limit + len(taken))
        rows += [row for row in alive if row.id not in taken]
    return rows


def _seq_after(database: Database, after: str) -> int:
    """Returns where the next page begins. The message may be gone: ids sort by time, as messages mostly do."""
    if (seq := seq_at(after)) is not None:
        return seq + 1
    row = database.row(after)
    if row is not None:
        return row.seq + 1
    following = database.execute("SELECT seq FROM messages WHERE id > ? ORDER BY id LIMIT 1", (after,)).fetchone()
    return int(following[0]) if following else 1 << 62


def _idle(database: Database, id_: str) -> Row:
    row = known(database, id_)
    if id_ in database.tally.taken:
        raise MessageBusy(id_)
    return row


def _content(database: Database, row: Row) -> tuple[str, Content]:
    try:
        return read_content(database, row)
    except ValueError as error:
        raise unreadable(row.id, error) from error


def _sender_id(database: Database, row: Row) -> bytes:
    """Returns the sender's id; a message that cannot be read has none, and can be discarded."""
    try:
        return _content(database, row)[1].sender_id
    except OutboxUnavailable:
        return b""
