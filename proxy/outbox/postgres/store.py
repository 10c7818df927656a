"""The store of outboxes that several replicas share. The database's time decides; no clock of a replica does.

Times that are compared with the clock of this process are told by it; those that people see are the database's.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from proxy.clock import Clock
from proxy.observe.logger import Logger
from proxy.outbox.message import (
    Accepted,
    DeadLetterCode,
    Expired,
    HistoryEntry,
    MessageDetails,
    MessageState,
    MessageSummary,
    NewMessage,
    RouteSummary,
    StoredBody,
    TakenMessage,
)
from proxy.outbox.postgres import accepting, expiring, people, settling, taking
from proxy.outbox.postgres.batches import WITHIN, Batches, Work
from proxy.outbox.postgres.bodies import Bodies
from proxy.outbox.postgres.failures import FAILURES, failure_of
from proxy.outbox.postgres.leases import LEASE, Lease, Leases
from proxy.outbox.postgres.sealing import Sealing
from proxy.outbox.postgres.settling import Settled
from proxy.outbox.postgres.transaction import Owner, Transaction
from proxy.outbox.postgres.waking import Waking
from proxy.outbox.store import RouteHeld, TakenOver
from proxy.store.keys import KeyMissing, Keys
from proxy.store.postgres.background import BackgroundTasks
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.database import Database, Operation
from proxy.store.postgres.names import NameKey
from proxy.store.postgres.transactions import transact
from proxy.store.tokens import StoreUnreachable

T = TypeVar("T")

UNREADABLE = 60.0
"Seconds until a message is looked at again whose key this replica does not have; another may have it."


class PostgresOutbox:
    """The messages of all replicas, as one of them sees and delivers them."""

    tells_outages = True

    def __init__(
        self,
        database: Database,
        names: NameKey,
        keys: Callable[[], Keys],
        *,
        clock: Clock,
        log: Logger,
        rejected: Callable[[ValueError], None],
        lease: float = LEASE,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`rejected` gets why a message cannot be decrypted here."""
        self._database, self._keys, self._clock, self._log = database, keys, clock, log
        self._rejected = rejected
        self._owner = Owner(secrets.token_bytes(16), lease)
        self._bodies = Bodies(database, keys)
        self._sealing = Sealing(names, keys, self._bodies)
        self._accepting = Batches(database, self._owner, self._committed)
        self._settling = Batches(database, self._owner, self._committed)
        "Apart, so that deliveries go on while much is accepted."
        self._leases = Leases(self._settling, lease=lease, clock=clock, sleep=sleep)
        self._waking = Waking(database, self._owner, self._bodies, sleep=sleep)
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Begins to work; the database may be away."""
        self._accepting.start()
        self._settling.start()
        self._leases.start()
        self._waking.start()

    async def accept(self, message: NewMessage, *, max_messages: int, max_bytes: int) -> Accepted:
        """See OutboxStore. `accepted_at` is the database's time."""
        arrived = self._clock.wall() - message.accepted_at
        sealed = await self._sealing.seal(message, age=arrived, max_messages=max_messages, max_bytes=max_bytes)
        try:
            accepted: Accepted = await self._accepting.submit(accepting.accept, sealed, route=message.route)
        except BaseException:
            self._remove_loose(sealed.body)
            raise
        if not accepted.is_new:
            self._remove_loose(sealed.body)
        return accepted

    async def take(self, route: str, *, most: int, now: float) -> Sequence[TakenMessage]:
        """See OutboxStore."""
        self._sealing.check()
        ahead = now - self._clock.wall()
        call = partial(
            taking.take, owner=self._owner, route=route, most=most, ahead=ahead, running=self._leases.running
        )
        task = self._tasks.start(self._take(call, route))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._give_back)
            raise

    async def next_due(self, route: str) -> float | None:
        """See OutboxStore."""
        call = partial(taking.next_due, route=route, running=self._leases.running)
        seconds = await self._do(call)
        return None if seconds is None else self._clock.wall() + seconds

    async def begin(self, id: str, at: float) -> None:  # noqa: A002, ARG002
        """See OutboxStore."""
        lease = self._leases.of(id)
        if lease is None:
            raise TakenOver
        begun, until = Settled(id=id, fence=lease.fence), self._leases.new_end()
        if await self._settling.submit(settling.begin, begun, route=None):
            self._leases.extended(id, until)
            await self.confirm(id)
            return
        if await self._do(partial(people.is_held, route=lease.route)):
            raise RouteHeld
        self._log.warning("message.taken_over", route=lease.route, id=id)
        raise TakenOver

    async def confirm(self, id: str) -> None:  # noqa: A002
        """See OutboxStore."""
        if not self._leases.is_held(id):
            raise TakenOver

    async def release(self, id: str) -> None:  # noqa: A002
        """See OutboxStore."""
        await self._settle(settling.release, id)

    async def delivered(self, id: str) -> None:  # noqa: A002
        """See OutboxStore."""
        lease = self._leases.of(id)
        if await self._settle(settling.delivered, id, is_counted=True) and lease is not None:
            self._remove_loose(lease.body)

    async def deferred(self, id: str, *, next_at: float, entry: HistoryEntry) -> None:  # noqa: A002
        """See OutboxStore."""
        await self._settle(settling.deferred, id, is_counted=True, next_at=next_at, entry=entry)

    async def died(self, id: str, code: DeadLetterCode, entry: HistoryEntry | None) -> None:  # noqa: A002
        """See OutboxStore."""
        await self._settle(settling.died, id, is_counted=True, code=code, entry=entry)

    async def expire(self, route: str, *, most: int, now: float, interrupted: DeadLetterCode) -> Expired:
        """See OutboxStore."""
        look = expiring.Look(
            route=route,
            most=most,
            now=now,
            wall=self._clock.wall(),
            running=self._leases.running,
            interrupted=interrupted,
            keys=self._keys(),
        )
        return await self._decide(lambda connection, step: expiring.expire(connection, step, look))

    async def routes(self) -> Sequence[RouteSummary]:
        """See OutboxStore."""
        return await self._do(people.routes)

    async def messages(
        self, *, route: str | None, state: MessageState | None, limit: int, after: str | None
    ) -> Sequence[MessageSummary]:
        """See OutboxStore."""
        return await self._do(partial(people.messages, route=route, state=state, limit=limit, after=after))

    async def message(self, id: str) -> MessageDetails:  # noqa: A002
        """See OutboxStore."""
        row, entries = await self._do(partial(people.with_history, id_=id, keys=self._keys()))
        method, content = self._sealing.content(row)
        return MessageDetails(
            summary=row.summary,
            method=method,
            target=content.target,
            fields=content.fields,
            sender_id=content.sender_id,
            expires_at=row.expires_at,
            history=entries,
        )

    async def body(self, id: str) -> "bytes | StoredBody":  # noqa: A002
        """See OutboxStore."""
        row = await self._do(partial(people.known, id_=id))
        return self._sealing.body(row)

    async def retry(self, id: str, now: float) -> MessageSummary:  # noqa: A002
        """See OutboxStore."""
        ahead = now - self._clock.wall()
        return await self._decide(lambda connection, step: people.retry(connection, step, id, ahead))

    async def discard(self, id: str) -> MessageSummary:  # noqa: A002
        """See OutboxStore."""
        summary, body = await self._decide(lambda connection, step: people.discard(connection, step, id))
        self._remove_loose(body)
        return summary

    async def hold(self, route: str) -> None:
        """See OutboxStore."""
        await self._decide(lambda connection, step: people.hold(connection, step, route, held=True))
        await self._do(partial(people.stop, route=route))

    async def resume(self, route: str) -> None:
        """See OutboxStore."""
        await self._decide(lambda connection, step: people.hold(connection, step, route, held=False))

    def on_change(self, changed: Callable[[str], None]) -> None:
        """See OutboxStore."""
        self._waking.changed = changed

    async def close(self) -> None:
        """See OutboxStore. Other replicas deliver what this one had taken."""
        await self._waking.close()
        await self._leases.close()
        await self._accepting.close()
        await self._settling.close()
        await self._tasks.ended()
        try:
            routes = await self._database.run(partial(taking.give_back, owner=self._owner), within=WITHIN)
        except StoreUnreachable:
            return  # the leases end by themselves
        await self._waking.tell(routes)

    async def _take(self, call: Operation[Sequence[taking.TakenRow]], route: str) -> Sequence[TakenMessage]:
        """Takes messages. One that was forged becomes a dead letter; for one of a foreign key there is another time."""
        wall, until = self._clock.wall(), self._leases.new_end()
        taken: list[TakenMessage] = []
        for row in await self._do(call):
            self._leases.add(row.id, Lease(route, row.fence, row.body, until))
            try:
                taken.append(self._sealing.taken(row, route, wall))
            except KeyMissing as error:
                self._rejected(error)
                await self._settle(settling.release, row.id, pause=UNREADABLE)
            except ValueError as error:
                entry = HistoryEntry(at=self._clock.wall(), code="content_unreadable", diagnosis=str(error))
                await self.died(row.id, DeadLetterCode.UNCERTAIN, entry)
        return taken

    async def _settle(self, work: Work, id_: str, *, is_counted: bool = False, **what: Any) -> bool:
        """Tells what became of a message, unless another replica has taken it over."""
        lease = self._leases.of(id_)
        if lease is None:
            return False
        settled = Settled(id=id_, fence=lease.fence, keys=self._keys(), wall=self._clock.wall(), **what)
        is_ours = await self._settling.submit(work, settled, route=lease.route if is_counted else None)
        if not is_ours and work is not settling.release:  # that only says that nothing was sent
            self._log.warning("message.taken_over", route=lease.route, id=id_)
        self._leases.end(id_)
        return bool(is_ours)

    def _give_back(self, done: "asyncio.Task[Sequence[TakenMessage]]") -> None:
        """Nobody waits for these any more."""
        if not done.cancelled() and done.exception() is None:
            for message in done.result():
                self._tasks.start(self.release(message.id))

    def _remove_loose(self, name: str | None) -> None:
        """Removes a large body, unless a message has it."""
        if name is not None:
            self._tasks.start(self._bodies.remove([name]))

    async def _decide(self, work: Callable[[Connection, Transaction], Awaitable[T]]) -> T:
        """Does what a person decided, in a transaction of its own."""
        transaction = Transaction(self._owner)
        result = await self._do(lambda connection: work(connection, transaction))
        self._committed(transaction.due)
        return result

    async def _do(self, operation: Operation[T]) -> T:
        try:
            return await transact(self._database, operation, within=WITHIN)
        except FAILURES as error:
            raise failure_of(error) from None

    def _committed(self, due: set[str]) -> None:
        self._waking.wake(due)
