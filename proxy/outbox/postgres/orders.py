"""Messages of one order as a chain: the first is its head, and only the head is delivered.

What a dead letter blocks does not age. So the times of a chain's messages are kept without the seconds for which the
chain was blocked; the table of pauses has those seconds, for all of the chain at once, however long it is. Mostly the
head is what is dead. If a message behind it has died, because its time was over, what stands before that one ages as
ever. All this happens while the route is locked.
"""

from collections.abc import Sequence
from typing import Final

from proxy.outbox.postgres.transaction import FIRST_OF, Transaction

FIRST_DEAD: Final = """(
    SELECT dead.seq FROM cpi_proxy_outbox_messages AS dead WHERE dead.place = 2 AND dead.chain = asked.chain
    ORDER BY dead.chain, dead.seq LIMIT 1)"""
"The first dead letter of an order, or NULL."

_OTHERS: Final = """
SELECT asked.chain, asked.seq, asked.at, dead_since, (
    SELECT dead.seq FROM cpi_proxy_outbox_messages AS dead
    WHERE dead.place = 2 AND dead.chain = asked.chain AND dead.seq <> asked.seq ORDER BY dead.chain, dead.seq LIMIT 1)
FROM unnest(%s::bytea[], %s::bigint[], %s::float8[]) AS asked (chain, seq, at)
LEFT JOIN cpi_proxy_outbox_pauses AS pause ON pause.chain = asked.chain
"""
_BLOCK: Final = """
INSERT INTO cpi_proxy_outbox_pauses (chain, paused, dead_since)
SELECT chain, 0, at FROM unnest(%s::bytea[], %s::float8[]) AS blocked (chain, at)
ON CONFLICT (chain) DO UPDATE SET dead_since = excluded.dead_since
"""
_FIRST_DEAD_OF: Final = f"SELECT {FIRST_DEAD} FROM (SELECT %s::bytea AS chain) AS asked"
_AGE: Final = """
UPDATE cpi_proxy_outbox_messages AS message SET expires_at = expires_at - greatest(%(at)s - dead_since, 0)
FROM cpi_proxy_outbox_pauses AS pause
WHERE pause.chain = %(chain)s AND message.chain = %(chain)s AND message.seq < %(first)s
"""
_ADD: Final = """
UPDATE cpi_proxy_outbox_pauses SET paused = paused + greatest(%(at)s - dead_since, 0), dead_since = NULL
WHERE chain = %(chain)s
"""
_SINCE: Final = "UPDATE cpi_proxy_outbox_pauses SET dead_since = %s WHERE chain = %s"
_PROMOTE: Final = f"""
UPDATE cpi_proxy_outbox_messages SET place = 0, look_at = NULL WHERE place = 1 AND seq IN (
    SELECT {FIRST_OF} FROM unnest(%s::bytea[]) AS asked (chain))
RETURNING route
"""
_WATCH: Final = """
UPDATE cpi_proxy_outbox_messages AS message SET look_at = NULL
FROM cpi_proxy_outbox_pauses AS pause CROSS JOIN LATERAL (
    SELECT seq, chain FROM cpi_proxy_outbox_messages
    WHERE chain IS NOT NULL AND (chain, seq) >= (pause.chain, 0) ORDER BY chain, seq LIMIT 2
) AS early
WHERE pause.chain = ANY(%s) AND early.chain = pause.chain AND message.seq = early.seq AND message.place < 2
    AND message.look_at IS NOT NULL
RETURNING route
"""
_WATCH_BEHIND: Final = """
UPDATE cpi_proxy_outbox_messages AS message SET look_at = NULL
FROM (
    SELECT seq FROM cpi_proxy_outbox_messages WHERE chain IS NOT NULL AND (chain, seq) > (%(chain)s, %(seq)s)
    ORDER BY chain, seq LIMIT 1
) AS behind
WHERE message.seq = behind.seq AND message.chain = %(chain)s AND message.place < 2 AND message.look_at IS NOT NULL
"""
_FORGET_PAUSE: Final = f"""
DELETE FROM cpi_proxy_outbox_pauses AS asked WHERE chain = ANY(%s) AND {FIRST_OF} IS NULL
"""


async def block(transaction: Transaction, died: Sequence[tuple[bytes, int, float]]) -> None:
    """After messages have died, one of an order: what stands behind them does not age from the given times on."""
    if not died:
        return
    blocked = []
    for chain, seq, at, dead_since, other in await transaction.rows(_OTHERS, _columns(died)):
        if other is not None and other < seq:
            continue
        if other is not None:
            await _settle(transaction, chain, other, at)
        blocked.append((bytes(chain), at if other is None else max(at, dead_since)))
    if blocked:
        await transaction.execute(_BLOCK, _columns(blocked))


async def unblock(transaction: Transaction, chain: bytes, seq: int) -> None:
    """After a dead letter has been removed, or lives again: what it alone blocked ages again."""
    ((first,),) = await transaction.rows(_FIRST_DEAD_OF, (chain,))
    if first is not None and first < seq:
        return
    await _settle(transaction, chain, seq, transaction.now)
    if first is not None:
        await transaction.execute(_SINCE, (transaction.now, chain))


async def lead(transaction: Transaction, chains: Sequence[bytes]) -> None:
    """After messages were removed, or have come back to life: the first of an order are the heads.

    The ages of the first two are looked at again, unless they are dead. What is behind the second is not over before
    it, and is blocked then.
    """
    transaction.due.update(route for (route,) in await transaction.rows(_PROMOTE, (chains,)))
    transaction.due.update(route for (route,) in await transaction.rows(_WATCH, (chains,)))
    await transaction.execute(_FORGET_PAUSE, (chains,))


async def watch_behind(transaction: Transaction, chain: bytes, seq: int) -> None:
    """Has the age of the next message looked at again, after one was removed, or has come back to life."""
    await transaction.execute(_WATCH_BEHIND, {"chain": chain, "seq": seq})


async def _settle(transaction: Transaction, chain: bytes, first: int, at: float) -> None:
    """Notes for how long the first dead letter has blocked: not what stands before it, which has aged."""
    given = {"chain": chain, "first": first, "at": at}
    await transaction.execute(_AGE, given)
    await transaction.execute(_ADD, given)


def _columns(rows: Sequence[tuple[object, ...]]) -> tuple[list[object], ...]:
    return tuple(map(list, zip(*rows, strict=True)))
