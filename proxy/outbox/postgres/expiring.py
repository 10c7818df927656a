"""Messages whose time is over become dead letters, unless a replica delivers them.

`look_at` says when to see whether that is so. If it is empty that is `expires_at`, too early by the time for which an
order was blocked (orders.py): what is found too early gets the right time. What is blocked does not age, and is not
looked at again until it stands at the head of its order, or second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final, NamedTuple

from proxy.outbox.message import INTERRUPTED, DeadLetter, DeadLetterCode, Expired, HistoryEntry
from proxy.outbox.postgres import orders, settling
from proxy.outbox.postgres.settling import Settled
from proxy.outbox.postgres.transaction import Transaction
from proxy.store.keys import Keys
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.transactions import NOW, rows

_AT: Final = "coalesce(look_at, expires_at)"
_FREE: Final = "(owner IS NULL OR free_at <= %(now)s) AND NOT id = ANY(%(running)s)"
"A message is never taken from under a delivery: not of another replica, and not of this one, whose lease may be over."

ENDING: Final = f"""
SELECT seq, id, chain, accepted_at, attempts, begun, expires_at FROM cpi_proxy_outbox_messages
WHERE place < 2 AND route = %(route)s AND {_AT} <= %(until)s AND {_FREE}
ORDER BY {_AT}, seq LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
NEXT: Final = f"""
SELECT least((
    SELECT {_AT} FROM cpi_proxy_outbox_messages WHERE place < 2 AND route = %(route)s AND {_FREE}
    ORDER BY {_AT}, seq LIMIT 1
), (
    SELECT min(greatest(free_at, {_AT})) FROM cpi_proxy_outbox_messages
    WHERE place < 2 AND route = %(route)s AND owner IS NOT NULL AND free_at > %(now)s AND NOT id = ANY(%(running)s)))
"""
"Or when a lease ends, because its replica may have died."

_CHAINS: Final = f"""
SELECT asked.chain, coalesce(paused, 0), {orders.FIRST_DEAD} FROM unnest(%s::bytea[]) AS asked (chain)
LEFT JOIN cpi_proxy_outbox_pauses AS pause ON pause.chain = asked.chain
"""
_LATER: Final = """
UPDATE cpi_proxy_outbox_messages AS message SET look_at = later.at
FROM unnest(%s::bigint[], %s::float8[]) AS later (seq, at) WHERE message.seq = later.seq
"""
_DIE: Final = """
UPDATE cpi_proxy_outbox_messages AS message SET begun = false, owner = NULL, fence = fence + 1, free_at = due_at,
    place = 2, code = dead.code
FROM unnest(%s::bigint[], %s::text[]) AS dead (seq, code) WHERE message.seq = dead.seq
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is looked for."""

    route: str
    most: int
    now: float
    wall: float
    "The time on the clock of this process, by which the other times are told."
    running: Sequence[str]
    "The ids of what is being delivered here."
    interrupted: DeadLetterCode
    keys: Keys


class _Ending(NamedTuple):
    seq: int
    id: str
    chain: bytes | None
    accepted_at: float
    attempts: int
    begun: bool
    expires_at: float


class _Found:
    """What becomes of the messages that were found."""

    def __init__(self) -> None:
        self.dead: list[tuple[_Ending, float]] = []
        "With the times at which they ended."
        self.later: list[tuple[int, float]] = []
        self.left = 0
        "Behind one of the same order that has died in this look."

    async def look(self, transaction: Transaction, ending: Sequence[_Ending], until: float) -> None:
        """Looks at each message."""
        chains: dict[bytes, tuple[float, int | None]] = {}
        if named := list({row.chain for row in ending if row.chain is not None}):
            chains = {bytes(chain): (paused, dead) for chain, paused, dead in await transaction.rows(_CHAINS, (named,))}
        died: set[bytes] = set()
        for row in ending:
            paused, first_dead = (0.0, None) if row.chain is None else chains[row.chain]
            is_blocked = first_dead is not None and first_dead < row.seq
            ends_at = inf if is_blocked else row.expires_at + paused
            if ends_at > until:
                self.later.append((row.seq, ends_at))
            elif row.chain in died:
                self.left += 1
            else:
                self.dead.append((row, ends_at))
                died |= set() if row.chain is None else {row.chain}


async def expire(connection: Connection, transaction: Transaction, look: Look) -> Expired:
    """Looks at some messages. Of an order one dies at a time. Times are the database's."""
    ((now,),) = await rows(connection, f"SELECT {NOW}")
    ahead, fast = look.now - look.wall, now - look.wall
    asked = {"route": look.route, "now": now, "until": now + ahead, "running": list(look.running), "most": look.most}
    next_at = await _next_at(connection, asked)
    if next_at is None or next_at > now + ahead:  # nothing has to be locked
        return Expired(messages=(), is_whole=True, next_at=None if next_at is None else next_at - fast)
    await transaction.begin(connection, [look.route])
    ending = [_Ending(*row) for row in await transaction.rows(ENDING, asked)]
    found = _Found()
    await found.look(transaction, ending, now + ahead)
    if found.later:
        await transaction.execute(_LATER, tuple(map(list, zip(*found.later, strict=True))))
    dead = await _die(transaction, look, found.dead, fast)
    next_at = await _next_at(connection, asked)
    await transaction.end()
    return Expired(
        messages=dead,
        is_whole=len(ending) < look.most and not found.left,
        next_at=None if next_at is None else next_at - fast,
    )


async def _next_at(connection: Connection, asked: dict[str, Any]) -> float | None:
    ((found,),) = await rows(connection, NEXT, asked)
    return None if found is None or found == inf else float(found)


async def _die(
    transaction: Transaction, look: Look, found: Sequence[tuple[_Ending, float]], fast: float
) -> tuple[DeadLetter, ...]:
    """Makes dead letters. By `fast` seconds the database's clock is before ours."""
    dead = tuple(
        DeadLetter(
            id=row.id,
            code=look.interrupted if row.begun else DeadLetterCode.EXPIRED,
            attempts=row.attempts,
            accepted_at=row.accepted_at - fast,
        )
        for row, _ in found
    )
    if dead:
        await transaction.execute(_DIE, ([row.seq for row, _ in found], [each.code.value for each in dead]))
        await orders.block(transaction, [(row.chain, row.seq, at) for row, at in found if row.chain is not None])
        entry = HistoryEntry(at=transaction.now, code=INTERRUPTED)
        begun = {row.id: row.seq for row, _ in found if row.begun}
        calls = [Settled(id=id_, fence=0, entry=entry, keys=look.keys, wall=transaction.now) for id_ in begun]
        await settling.note(transaction, calls, begun)
        count = transaction.counts[look.route]
        count.waiting -= len(dead)
        count.dead += len(dead)
    return dead
