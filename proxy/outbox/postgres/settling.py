"""How deliveries go on, within a transaction. What a replica says that has lost its lease changes nothing.

Each function makes the calls of one kind, and returns for each whether the message was still its own.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from proxy.outbox.message import MOST_ENTRIES, DeadLetterCode, HistoryEntry
from proxy.outbox.postgres import orders
from proxy.outbox.postgres.transaction import Transaction
from proxy.store.keys import Keys
from proxy.store.postgres.transactions import NOW

_OURS: Final = "message.id = ours.id AND message.fence = ours.fence AND message.owner = %(owner)s"
_IDS: Final = "unnest(%(ids)s::text[], %(fences)s::bigint[]) AS ours (id, fence)"

_BEGIN: Final = f"""
UPDATE cpi_proxy_outbox_messages AS message SET attempts = attempts + 1, begun = true, free_at = {NOW} + %(lease)s
FROM {_IDS} WHERE {_OURS}
    AND NOT EXISTS (SELECT FROM cpi_proxy_outbox_routes AS held WHERE held.route = message.route AND held.held)
RETURNING message.id
"""
_EXTEND: Final = f"""
UPDATE cpi_proxy_outbox_messages AS message SET free_at = {NOW} + %(lease)s FROM {_IDS} WHERE {_OURS}
RETURNING message.id
"""
_RELEASE: Final = f"""
UPDATE cpi_proxy_outbox_messages AS message SET begun = false, owner = NULL,
    free_at = greatest(due_at, {NOW} + ours.pause)
FROM unnest(%(ids)s::text[], %(fences)s::bigint[], %(pauses)s::float8[]) AS ours (id, fence, pause) WHERE {_OURS}
RETURNING message.id, route
"""
_DELIVERED: Final = f"""
DELETE FROM cpi_proxy_outbox_messages AS message USING {_IDS} WHERE {_OURS}
RETURNING message.id, route, seq, chain, size, body
"""
_DEFERRED: Final = f"""
UPDATE cpi_proxy_outbox_messages AS message SET begun = false, owner = NULL, due_at = later.at, free_at = later.at
FROM unnest(%(ids)s::text[], %(fences)s::bigint[], %(ats)s::float8[]) AS ours (id, fence, at)
JOIN LATERAL (
    SELECT least(ours.at, expires_at + coalesce(paused, 0)) AS at FROM cpi_proxy_outbox_messages AS present
    LEFT JOIN cpi_proxy_outbox_pauses AS pause ON pause.chain = present.chain WHERE present.id = ours.id
) AS later ON true
WHERE {_OURS} RETURNING message.id, route, seq
"""
_DIED: Final = f"""
UPDATE cpi_proxy_outbox_messages AS message SET begun = false, owner = NULL, free_at = due_at, place = 2,
    code = ours.code
FROM unnest(%(ids)s::text[], %(fences)s::bigint[], %(codes)s::text[]) AS ours (id, fence, code)
WHERE {_OURS} RETURNING message.id, route, seq, chain
"""
_NOTE: Final = f"""
WITH noted AS (
    INSERT INTO cpi_proxy_outbox_history (seq, number, key_id, value)
    SELECT seq, (SELECT coalesce(max(number), 0) + 1 FROM cpi_proxy_outbox_history AS h WHERE h.seq = new.seq),
        key_id, value
    FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) AS new (seq, key_id, value) RETURNING seq, number
)
DELETE FROM cpi_proxy_outbox_history AS history USING noted
WHERE history.seq = noted.seq AND history.number = noted.number - {MOST_ENTRIES - 1} AND history.number > 1
"""
_FORGET_HISTORY: Final = "DELETE FROM cpi_proxy_outbox_history WHERE seq = ANY(%s)"
_LOOSE: Final = f"INSERT INTO cpi_proxy_outbox_loose (body, since) SELECT unnest(%s::text[]), {NOW}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a message that was taken."""

    id: str
    fence: int
    entry: HistoryEntry | None = None
    keys: Keys | None = None
    wall: float = 0.0
    "The time on the clock of this process, by which the other times are told."
    next_at: float = 0.0
    code: DeadLetterCode = DeadLetterCode.UNCERTAIN
    pause: float = 0.0
    "Seconds until it may be taken again."


async def begin(transaction: Transaction, calls: Sequence[Settled]) -> Sequence[bool]:
    """Counts attempts, whose ends are not known yet; none of a held route."""
    found = await transaction.rows(_BEGIN, _ours(transaction, calls))
    return _each(calls, found)


async def extend(transaction: Transaction, calls: Sequence[Sequence[Settled]]) -> Sequence[Sequence[bool]]:
    """Extends the leases of messages that are being delivered."""
    return [_each(each, await transaction.rows(_EXTEND, _ours(transaction, each))) for each in calls]


async def release(transaction: Transaction, calls: Sequence[Settled]) -> Sequence[bool]:
    """Gives messages back, as they were."""
    parameters = _ours(transaction, calls) | {"pauses": [call.pause for call in calls]}
    found = await transaction.rows(_RELEASE, parameters)
    transaction.due.update(route for _, route in found)
    return _each(calls, found)


async def delivered(transaction: Transaction, calls: Sequence[Settled]) -> Sequence[bool]:
    """Removes messages that were delivered, with their histories."""
    found = await transaction.rows(_DELIVERED, _ours(transaction, calls))
    for _, route, _, _, size, _ in found:
        count = transaction.counts[route]
        count.waiting -= 1
        count.bytes -= size
    await removed(transaction, [(seq, chain, body) for _, _, seq, chain, _, body in found])
    return _each(calls, found)


async def deferred(transaction: Transaction, calls: Sequence[Settled]) -> Sequence[bool]:
    """Notes attempts, and when the next are due: at the end of the message's time at the latest."""
    ats = [call.next_at - call.wall + transaction.now for call in calls]
    found = await transaction.rows(_DEFERRED, _ours(transaction, calls) | {"ats": ats})
    transaction.due.update(route for _, route, _ in found)
    await note(transaction, calls, {id_: seq for id_, _, seq in found})
    return _each(calls, found)


async def died(transaction: Transaction, calls: Sequence[Settled]) -> Sequence[bool]:
    """Makes dead letters of messages."""
    codes = [call.code.value for call in calls]
    found = await transaction.rows(_DIED, _ours(transaction, calls) | {"codes": codes})
    for _, route, _, _ in found:
        count = transaction.counts[route]
        count.waiting -= 1
        count.dead += 1
    now = transaction.now
    await orders.block(transaction, [(chain, seq, now) for _, _, seq, chain in found if chain is not None])
    await note(transaction, calls, {id_: seq for id_, _, seq, _ in found})
    return _each(calls, found)


async def removed(transaction: Transaction, gone: Sequence[tuple[int, bytes | None, str | None]]) -> None:
    """After messages were removed: the next of their orders are the heads; their bodies belong to nobody."""
    if not gone:
        return
    await transaction.execute(_FORGET_HISTORY, ([seq for seq, _, _ in gone],))
    if bodies := [body for _, _, body in gone if body is not None]:
        await transaction.execute(_LOOSE, (bodies,))
    if chains := list({chain for _, chain, _ in gone if chain is not None}):
        await orders.lead(transaction, chains)


def context_of(seq: int) -> bytes:
    """Returns what a sealed entry of a history belongs to."""
    return b"attempt %d" % seq


async def note(transaction: Transaction, calls: Sequence[Settled], seqs: dict[str, int]) -> None:
    """Notes the entries of those messages that have a number."""
    new = []
    for call in calls:
        if call.id in seqs and call.entry is not None and call.keys is not None:
            entry = replace(call.entry, at=call.entry.at - call.wall + transaction.now)
            text = json.dumps(asdict(entry)).encode()
            new.append((seqs[call.id], *call.keys.seal(text, context_of(seqs[call.id]))))
    if new:
        await transaction.execute(_NOTE, tuple(map(list, zip(*new, strict=True))))


def _ours(transaction: Transaction, calls: Iterable[Settled]) -> dict[str, Any]:
    calls = list(calls)
    return {
        "ids": [call.id for call in calls],
        "fences": [call.fence for call in calls],
        "owner": transaction.owner.name,
        "lease": transaction.owner.lease,
    }


def _each(calls: Sequence[Settled], found: Sequence[tuple[Any, ...]]) -> Sequence[bool]:
    ids = {row[0] for row in found}
    return [call.id in ids for call in calls]
