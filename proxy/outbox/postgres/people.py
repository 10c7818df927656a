"""What people see of the messages, and decide about them: from any replica."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.outbox.failures import unreadable
from proxy.outbox.message import HistoryEntry, MessageState, MessageSummary, RouteSummary, seq_at
from proxy.outbox.postgres import orders, settling
from proxy.outbox.postgres.transaction import FIRST_OF, Transaction
from proxy.outbox.store import MessageBusy, MessageUnknown
from proxy.store.keys import Keys
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.transactions import NOW, rows

_COLUMNS: Final = f"""
message.id, message.route, place, owner IS NOT NULL AND free_at > {NOW}, code, attempts, accepted_at, due_at, size, seq
"""
SEQ: Final = 9
"The last of these columns."
DEAD: Final = 2
"Place of a dead letter."
_STOP: Final = """
UPDATE cpi_proxy_outbox_messages SET owner = NULL, free_at = due_at
WHERE owner IS NOT NULL AND route = %s AND NOT begun
"""
IS_HELD: Final = "SELECT true FROM cpi_proxy_outbox_routes WHERE route = %s AND held"
ROUTES: Final = f"""
SELECT route, waiting, coalesce(delivering, 0), dead, held, oldest.accepted_at, bytes
FROM cpi_proxy_outbox_routes AS numbers LEFT JOIN (
    SELECT route AS name, count(*) AS delivering FROM cpi_proxy_outbox_messages
    WHERE owner IS NOT NULL AND free_at > {NOW} GROUP BY route
) AS running ON name = route LEFT JOIN LATERAL (
    SELECT CASE WHEN first.route = numbers.route THEN accepted_at END AS accepted_at
    FROM cpi_proxy_outbox_messages AS first
    WHERE place < 2 AND (first.route, seq) >= (numbers.route, 0) ORDER BY first.route, seq LIMIT 1
) AS oldest ON true
WHERE waiting > 0 OR dead > 0 OR held ORDER BY route
"""
_PAGE: Final = f"""
SELECT {_COLUMNS} FROM cpi_proxy_outbox_routes AS listed CROSS JOIN LATERAL (
    SELECT * FROM cpi_proxy_outbox_messages AS one
    WHERE one.route = listed.route AND %(place)s AND seq > %(after)s AND %(idle)s ORDER BY seq LIMIT %(limit)s
) AS message WHERE %(route)s::text IS NULL OR listed.route = %(route)s ORDER BY seq LIMIT %(limit)s
"""
LISTS: Final = {
    MessageState.WAITING: _PAGE.replace("%(place)s", "place < 2").replace(
        "%(idle)s", f"(owner IS NULL OR free_at <= {NOW})"
    ),
    MessageState.DEAD: _PAGE.replace("%(place)s", "place = 2").replace("%(idle)s", "true"),
    MessageState.DELIVERING: f"""
        SELECT {_COLUMNS} FROM cpi_proxy_outbox_messages AS message
        WHERE owner IS NOT NULL AND free_at > {NOW} AND seq > %(after)s
            AND (%(route)s::text IS NULL OR route = %(route)s) ORDER BY seq LIMIT %(limit)s
    """,
}
LIST_ALL: Final = f"""
SELECT {_COLUMNS} FROM cpi_proxy_outbox_messages AS message WHERE seq > %(after)s ORDER BY seq LIMIT %(limit)s
"""
_AFTER: Final = "SELECT seq FROM cpi_proxy_outbox_messages WHERE id = %s"
_FOLLOWING: Final = "SELECT seq - 1 FROM cpi_proxy_outbox_messages WHERE id > %s ORDER BY id LIMIT 1"
_MESSAGE: Final = f"""
SELECT {_COLUMNS}, key_id, content, body, body_size,
    expires_at, lifetime, message.chain, sender, coalesce(paused, 0) + CASE
        WHEN {orders.FIRST_DEAD.replace("asked", "message")} < message.seq THEN greatest({NOW} - dead_since, 0) ELSE 0
    END
FROM cpi_proxy_outbox_messages AS message LEFT JOIN cpi_proxy_outbox_pauses AS pause ON pause.chain = message.chain
WHERE message.id = %s
"""
_HISTORY: Final = "SELECT key_id, value FROM cpi_proxy_outbox_history WHERE seq = %s ORDER BY number"
_ROUTE: Final = "SELECT route FROM cpi_proxy_outbox_messages WHERE id = %s"
_REVIVE: Final = f"""
UPDATE cpi_proxy_outbox_messages AS asked SET place = CASE WHEN chain IS NULL OR seq = {FIRST_OF} THEN 0 ELSE 1 END,
    code = ''
WHERE seq = %s
"""
_RETRY: Final = """
UPDATE cpi_proxy_outbox_messages SET due_at = %s, free_at = %s, expires_at = %s, look_at = NULL, owner = NULL
WHERE seq = %s
"""
_DISCARD: Final = "DELETE FROM cpi_proxy_outbox_messages WHERE seq = %s"
_FORGET: Final = "DELETE FROM cpi_proxy_outbox_remembered WHERE sender = %s AND id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message as it is stored."""

    summary: MessageSummary
    place: int
    seq: int
    key_id: bytes
    content: bytes = field(repr=False)
    body: str | None
    body_size: int
    expires_at: float
    "As of now."
    lifetime: float
    chain: bytes | None
    sender: bytes | None
    blocked: float
    "Seconds for which it has been blocked."


async def routes(connection: Connection) -> Sequence[RouteSummary]:
    """Returns the numbers of each route: one look-up for each, for its oldest message."""
    return [
        RouteSummary(
            route=route,
            waiting=waiting - delivering,
            delivering=delivering,
            dead=dead,
            held=held,
            oldest_at=oldest_at,
            bytes=size,
        )
        for route, waiting, delivering, dead, held, oldest_at, size in await rows(connection, ROUTES)
    ]


async def messages(
    connection: Connection, *, route: str | None, state: MessageState | None, limit: int, after: str | None
) -> Sequence[MessageSummary]:
    """Returns messages by their acceptance: asked of each route apart, so that none is passed over one by one."""
    parameters = {"route": route, "limit": limit, "after": 0 if after is None else await _seq_of(connection, after)}
    if state is None and route is None:
        return [_summary(row) for row in await rows(connection, LIST_ALL, parameters)]
    states = [MessageState.WAITING, MessageState.DELIVERING, MessageState.DEAD] if state is None else [state]
    listed = [row for each in states for row in await rows(connection, LISTS[each], parameters)]
    return [_summary(row) for row in sorted(listed, key=lambda row: row[SEQ])[:limit]]


async def _seq_of(connection: Connection, after: str) -> int:
    """Returns what a page begins after. The message may be gone: ids sort by the clocks of replicas."""
    if (seq := seq_at(after)) is not None:
        return seq
    found = await rows(connection, _AFTER, (after,)) or await rows(connection, _FOLLOWING, (after,))
    return int(found[0][0]) if found else 1 << 62


async def known(connection: Connection, id_: str, *, locked: bool = False) -> Row:
    """Returns a message. Raises MessageUnknown."""
    found = await rows(connection, _MESSAGE + (" FOR UPDATE OF message" if locked else ""), (id_,))
    if not found:
        raise MessageUnknown(id_)
    row = found[0]
    key_id, content, body, body_size, expires_at, lifetime, chain, sender, blocked = row[SEQ + 1 :]
    return Row(
        summary=_summary(row),
        place=row[2],
        seq=row[SEQ],
        key_id=bytes(key_id),
        content=bytes(content),
        body=body,
        body_size=body_size,
        expires_at=expires_at + blocked,
        lifetime=lifetime,
        chain=chain,
        sender=sender,
        blocked=blocked,
    )


async def with_history(connection: Connection, *, id_: str, keys: Keys) -> tuple[Row, tuple[HistoryEntry, ...]]:
    """Returns a message and its attempts. Raises MessageUnknown, or OutboxUnavailable if they cannot be decrypted."""
    row = await known(connection, id_)
    context = settling.context_of(row.seq)
    found = await rows(connection, _HISTORY, (row.seq,))
    try:
        texts = [keys.unseal(bytes(key), bytes(value), context) for key, value in found]
    except ValueError as error:
        raise unreadable(id_, error) from None
    return row, tuple(HistoryEntry(**json.loads(text)) for text in texts)


async def retry(connection: Connection, transaction: Transaction, id_: str, ahead: float) -> MessageSummary:
    """Makes a message due, `ahead` seconds from now. A dead one has all of its time again."""
    row = await _locked(connection, transaction, id_)
    now, is_dead = transaction.now + ahead, row.place == DEAD
    if is_dead:
        row = await _revived(connection, transaction, row)
    expires_at = now + row.lifetime if is_dead else row.expires_at
    due_at = min(now, expires_at)
    await transaction.execute(_RETRY, (due_at, due_at, expires_at - row.blocked, row.seq))
    transaction.due.add(row.summary.route)
    found = await known(connection, id_)
    await transaction.end()
    return found.summary


async def discard(connection: Connection, transaction: Transaction, id_: str) -> tuple[MessageSummary, str | None]:
    """Removes a message, and what is remembered of its sender's id. Returns the name of its large body as well."""
    row = await _locked(connection, transaction, id_)
    count, is_dead = transaction.counts[row.summary.route], row.place == DEAD
    count.waiting -= not is_dead
    count.dead -= is_dead
    count.bytes -= row.summary.bytes
    await transaction.execute(_DISCARD, (row.seq,))
    if is_dead and row.chain is not None:
        await orders.unblock(transaction, row.chain, row.seq)
    if row.chain is not None:
        await orders.watch_behind(transaction, row.chain, row.seq)
    await settling.removed(transaction, [(row.seq, row.chain, row.body)])
    transaction.due.add(row.summary.route)
    if row.sender is not None:
        await transaction.execute(_FORGET, (row.sender, id_))
    await transaction.end()
    return row.summary, row.body


async def hold(connection: Connection, transaction: Transaction, route: str, *, held: bool) -> None:
    """Stops the delivery of a route, or starts it again."""
    await transaction.begin(connection, [route])
    transaction.counts[route].held = held
    if not held:
        transaction.due.add(route)
    await transaction.end()


async def stop(connection: Connection, route: str) -> None:
    """Takes back what was taken and has not begun, after a route was held.

    An attempt that begins at this moment may not have seen yet that the route is held. Either it finds that it has lost
    the message, or this waits until it is committed. So no attempt has to lock the route, which would wait for those
    who accept messages.
    """
    await connection.execute(_STOP, (route,))


async def is_held(connection: Connection, route: str) -> bool:
    """Returns whether a route is held."""
    return bool(await rows(connection, IS_HELD, (route,)))


async def _revived(connection: Connection, transaction: Transaction, row: Row) -> Row:
    """Has a dead letter wait again, in its old place; returns it as it is now."""
    await transaction.execute(_REVIVE, (row.seq,))
    if row.chain is not None:
        await orders.unblock(transaction, row.chain, row.seq)
        await orders.lead(transaction, [row.chain])
        await orders.watch_behind(transaction, row.chain, row.seq)
    count = transaction.counts[row.summary.route]
    count.waiting += 1
    count.dead -= 1
    return await known(connection, row.summary.id)


async def _locked(connection: Connection, transaction: Transaction, id_: str) -> Row:
    """Returns a message that is not being delivered, after its route was locked."""
    found = await rows(connection, _ROUTE, (id_,))
    if not found:
        raise MessageUnknown(id_)
    await transaction.begin(connection, [found[0][0]])
    row = await known(connection, id_, locked=True)
    if row.summary.state is MessageState.DELIVERING:
        raise MessageBusy(id_)
    return row


def _summary(row: tuple[Any, ...]) -> MessageSummary:
    id_, route, place, is_taken, code, attempts, accepted_at, due_at, size, seq = row[: SEQ + 1]
    state = MessageState.DEAD if place == DEAD else MessageState.DELIVERING if is_taken else MessageState.WAITING
    return MessageSummary(
        id=id_,
        route=route,
        state=state,
        code=code,
        attempts=attempts,
        accepted_at=accepted_at,
        next_at=due_at if state is MessageState.WAITING and place == 0 else None,
        bytes=size,
        seq=seq,
    )
