"""Keeps new messages, within a transaction that has locked their routes. Decides before it writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from proxy.errors import OutboxFull, ProxyError
from proxy.outbox.failures import full, id_reused, unavailable
from proxy.outbox.message import Accepted, NewMessage
from proxy.outbox.postgres.transaction import FIRST_OF, Transaction

_FIND: Final = """
SELECT sender, content, id, accepted_at, expires_at, forget_at FROM cpi_proxy_outbox_remembered WHERE sender = ANY(%s)
"""
_CHAINS: Final = f"""
SELECT asked.chain, {FIRST_OF} IS NOT NULL, coalesce(paused, 0), dead_since
FROM unnest(%s::bytea[]) AS asked (chain) LEFT JOIN cpi_proxy_outbox_pauses AS pause ON pause.chain = asked.chain
"""
_BODIES: Final = "SELECT body FROM cpi_proxy_outbox_loose WHERE body = ANY(%s) ORDER BY body FOR UPDATE"
_CLAIM: Final = "DELETE FROM cpi_proxy_outbox_loose WHERE body = ANY(%s)"
_INSERT: Final = """
INSERT INTO cpi_proxy_outbox_messages (id, route, place, due_at, free_at, accepted_at, expires_at, lifetime, size,
    chain, sender, key_id, content, body, body_size)
SELECT id, route, place, accepted_at, accepted_at, accepted_at, expires_at, lifetime, size, chain, sender, key_id,
    content, body, body_size
FROM unnest(%s::text[], %s::text[], %s::smallint[], %s::float8[], %s::float8[], %s::float8[], %s::bigint[], %s::bytea[],
    %s::bytea[], %s::bytea[], %s::bytea[], %s::text[], %s::bigint[]) WITH ORDINALITY
    AS new (id, route, place, accepted_at, expires_at, lifetime, size, chain, sender, key_id, content, body, body_size,
    number)
ORDER BY number
"""
_REMEMBER: Final = """
INSERT INTO cpi_proxy_outbox_remembered (sender, content, id, accepted_at, expires_at, forget_at)
SELECT * FROM unnest(%s::bytea[], %s::bytea[], %s::text[], %s::float8[], %s::float8[], %s::float8[])
ON CONFLICT (sender) DO UPDATE SET content = excluded.content, id = excluded.id, accepted_at = excluded.accepted_at,
    expires_at = excluded.expires_at, forget_at = excluded.forget_at
"""
_FORGET: Final = """
DELETE FROM cpi_proxy_outbox_remembered WHERE sender IN (
    SELECT sender FROM cpi_proxy_outbox_remembered WHERE forget_at <= %s ORDER BY forget_at LIMIT %s
    FOR UPDATE SKIP LOCKED)
"""
"With each that is remembered two are forgotten: so they become fewer, and none takes long."


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedMessage:
    """A message as it is kept: nothing in it can be read but its route and numbers."""

    message: NewMessage
    age: float
    "Seconds since it was accepted, by the clock of this process."
    chain: bytes | None
    sender: bytes | None
    content_hash: bytes
    key_id: bytes
    content: bytes = field(repr=False)
    body: str | None
    "A large body that is stored already."
    body_size: int
    max_messages: int
    max_bytes: int


class _Remembered(NamedTuple):
    content: bytes
    id: str
    accepted_at: float
    expires_at: float
    forget_at: float


class _Chain(NamedTuple):
    has_messages: bool
    blocked: float


class _Batch:
    """What is known before anything is written, and what is to be written."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.remembered: dict[bytes, _Remembered] = {}
        self.chains: dict[bytes, _Chain] = {}
        self.bodies: set[str] = set()
        self.claimed: list[str] = []
        self.messages: list[tuple[Any, ...]] = []
        self.new_ids: dict[bytes, _Remembered] = {}

    async def look(self, calls: Sequence[SealedMessage]) -> None:
        """Asks what is there."""
        transaction, now = self.transaction, self.transaction.now
        if senders := [call.sender for call in calls if call.sender is not None]:
            for sender, content, *rest in await transaction.rows(_FIND, (senders,)):
                self.remembered[bytes(sender)] = _Remembered(bytes(content), *rest)
        if chains := list({call.chain for call in calls if call.chain is not None}):
            for chain, has_messages, paused, dead_since in await transaction.rows(_CHAINS, (chains,)):
                blocked = paused + (0.0 if dead_since is None else max(0.0, now - dead_since))
                self.chains[bytes(chain)] = _Chain(has_messages, blocked)
        if bodies := [call.body for call in calls if call.body is not None]:
            self.bodies = {body for (body,) in await transaction.rows(_BODIES, (bodies,))}

    def decide(self, call: SealedMessage) -> Accepted | ProxyError:
        """Decides about one message, after those before it."""
        message = call.message
        accepted_at = self.transaction.now - call.age
        if call.sender is not None:
            first = self.remembered.get(call.sender)
            if first is not None and first.forget_at > accepted_at:
                return _again(call, first)
        if full := self._full(call):
            return full
        if call.body is not None and call.body not in self.bodies:
            return unavailable("the body took too long")
        lifetime = message.expires_at - message.accepted_at
        self._keep(call, accepted_at, lifetime)
        expires_at = accepted_at + lifetime
        if call.sender is not None:
            forget_at = accepted_at + message.remember
            kept = _Remembered(call.content_hash, message.id, accepted_at, expires_at, forget_at)
            self.remembered[call.sender] = self.new_ids[call.sender] = kept
        return Accepted(id=message.id, accepted_at=accepted_at, expires_at=expires_at, is_new=True)

    async def write(self) -> None:
        """Writes what was decided, in one statement for each kind of row."""
        transaction = self.transaction
        if self.messages:
            await transaction.execute(_INSERT, tuple(map(list, zip(*self.messages, strict=True))))
        if self.claimed:
            await transaction.execute(_CLAIM, (self.claimed,))
        if self.new_ids:
            await transaction.execute(_FORGET, (transaction.now, 2 * len(self.new_ids)))
            new = ((sender, *kept) for sender, kept in self.new_ids.items())
            await transaction.execute(_REMEMBER, tuple(map(list, zip(*new, strict=True))))

    def _full(self, call: SealedMessage) -> OutboxFull | None:
        count = self.transaction.counts[call.message.route]
        there, size = count.waiting + count.dead, call.message.size
        return full(there, count.bytes, size, max_messages=call.max_messages, max_bytes=call.max_bytes)

    def _keep(self, call: SealedMessage, accepted_at: float, lifetime: float) -> None:
        message, chain = call.message, _Chain(has_messages=False, blocked=0.0)
        if call.chain is not None:
            chain = self.chains[call.chain]
            self.chains[call.chain] = _Chain(has_messages=True, blocked=chain.blocked)
        times = (accepted_at, accepted_at + lifetime - chain.blocked, lifetime)
        stored = (call.chain, call.sender, call.key_id, call.content, call.body, call.body_size)
        self.messages.append((message.id, message.route, int(chain.has_messages), *times, message.size, *stored))
        if call.body is not None:
            self.claimed.append(call.body)
        count = self.transaction.counts[message.route]
        count.waiting += 1
        count.bytes += message.size
        if not chain.has_messages and not count.held:
            self.transaction.due.add(message.route)


async def accept(transaction: Transaction, calls: Sequence[SealedMessage]) -> Sequence[Accepted | ProxyError]:
    """Keeps the messages, or returns what was said about earlier ones with the same ids, or why not."""
    batch = _Batch(transaction)
    await batch.look(calls)
    results = [batch.decide(call) for call in calls]
    await batch.write()
    return results


def _again(call: SealedMessage, first: _Remembered) -> Accepted | ProxyError:
    if first.content != call.content_hash:
        return id_reused()
    return Accepted(id=first.id, accepted_at=first.accepted_at, expires_at=first.expires_at, is_new=False)
