"""The store of outboxes that one process has for itself: a folder, a database thread, and bodies as files."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from proxy.clock import Clock
from proxy.errors import MessageIdReused, OutboxFull, OutboxUnavailable
from proxy.outbox.bodies import IN_THE_ROW, read_whole
from proxy.outbox.contents import context_of
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
    body_size,
)
from proxy.outbox.sqlite import accepting, expiring, people, settling, taking
from proxy.outbox.sqlite.accepting import KeptBody
from proxy.outbox.sqlite.bodies import Bodies
from proxy.outbox.sqlite.database import Database, Effects, Row
from proxy.outbox.sqlite.database_thread import DatabaseThread
from proxy.outbox.sqlite.reserve import Reserve
from proxy.outbox.sqlite.schema import open_database
from proxy.store.keys import Keys
from proxy.threads import ignore


class SqliteOutbox:
    """The messages of one folder, which this process has for itself."""

    tells_outages = False

    def __init__(self, folder: Path, *, keys: Keys, clock: Clock) -> None:
        self._folder, self._keys, self._clock = folder, keys.reading_plain(), clock
        self._bodies = Bodies(folder)
        self._changed: Callable[[str], None] | None = None
        self._thread = DatabaseThread(self._open_database, Reserve(folder), self._committed)
        self._sweep: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, folder: Path, *, keys: Keys, clock: Clock) -> "SqliteOutbox":
        """Opens what is in a folder, which has to be locked already (proxy/store/folder.py).

        Raises KeysNeeded or SchemaTooNew (ValueError) if this configuration or this version cannot read what is there,
        and OutboxUnavailable if the disk fails.
        """
        store = cls(folder, keys=keys, clock=clock)
        try:
            await store._thread.submit(lambda _: None)
        except BaseException:
            await store._thread.close()
            raise
        store._sweep = asyncio.get_running_loop().create_task(store._bodies_swept())
        return store

    async def accept(self, message: NewMessage, *, max_messages: int, max_bytes: int) -> Accepted:
        """See OutboxStore."""
        body = await self._kept_body(message)
        call = partial(accepting.accept, message=message, body=body, max_messages=max_messages, max_bytes=max_bytes)
        undo = None if message.sender_id else partial(accepting.forget, id_=message.id)  # with an id it may be repeated
        try:
            accepted = await self._thread.submit(call, grows=True, late=self._undone(undo), undo=undo)
        except (OutboxFull, MessageIdReused):  # after other errors it may have been accepted
            self._remove(body)
            raise
        if not accepted.is_new:
            self._remove(body)
        return accepted

    async def take(self, route: str, *, most: int, now: float) -> Sequence[TakenMessage]:
        """See OutboxStore."""
        call = partial(taking.take, route=route, most=most, now=now, file_of=self._file_of)
        return await self._thread.submit(call, late=self._give_back)

    async def next_due(self, route: str) -> float | None:
        """See OutboxStore."""
        return await self._thread.submit(partial(taking.next_due, route=route))

    async def begin(self, id: str, at: float) -> None:  # noqa: A002, ARG002
        """See OutboxStore."""
        await self._thread.submit(partial(settling.begin, id_=id))

    async def confirm(self, id: str) -> None:  # noqa: A002
        """See OutboxStore. No other process has the folder."""

    async def release(self, id: str) -> None:  # noqa: A002
        """See OutboxStore."""
        await self._settle(partial(settling.release, id_=id))

    async def delivered(self, id: str) -> None:  # noqa: A002
        """See OutboxStore."""
        await self._settle(partial(settling.delivered, id_=id))

    async def deferred(self, id: str, *, next_at: float, entry: HistoryEntry) -> None:  # noqa: A002
        """See OutboxStore."""
        await self._settle(partial(settling.deferred, id_=id, next_at=next_at, entry=entry))

    async def died(self, id: str, code: DeadLetterCode, entry: HistoryEntry | None) -> None:  # noqa: A002
        """See OutboxStore."""
        await self._settle(partial(settling.died, id_=id, code=code, entry=entry))

    async def expire(self, route: str, *, most: int, now: float, interrupted: DeadLetterCode) -> Expired:
        """See OutboxStore."""
        call = partial(expiring.expire, route=route, most=most, now=now, interrupted=interrupted)
        return await self._thread.submit(call, patient=True)  # what has died has to be told

    async def routes(self) -> Sequence[RouteSummary]:
        """See OutboxStore."""
        return await self._thread.submit(people.routes)

    async def messages(
        self, *, route: str | None, state: MessageState | None, limit: int, after: str | None
    ) -> Sequence[MessageSummary]:
        """See OutboxStore."""
        return await self._thread.submit(partial(people.messages, route=route, state=state, limit=limit, after=after))

    async def message(self, id: str) -> MessageDetails:  # noqa: A002
        """See OutboxStore."""
        return await self._thread.submit(partial(people.details, id_=id))

    async def body(self, id: str) -> "bytes | StoredBody":  # noqa: A002
        """See OutboxStore."""
        return await self._thread.submit(partial(people.body, id_=id, file_of=self._file_of))

    async def retry(self, id: str, now: float) -> MessageSummary:  # noqa: A002
        """See OutboxStore."""
        return await self._thread.submit(partial(people.retry, id_=id, now=now))

    async def discard(self, id: str) -> MessageSummary:  # noqa: A002
        """See OutboxStore."""
        return await self._thread.submit(partial(people.discard, id_=id))

    async def hold(self, route: str) -> None:
        """See OutboxStore."""
        await self._thread.submit(partial(people.hold, route=route, held=True))

    async def resume(self, route: str) -> None:
        """See OutboxStore."""
        await self._thread.submit(partial(people.hold, route=route, held=False))

    def on_change(self, changed: Callable[[str], None]) -> None:
        """See OutboxStore."""
        self._changed = changed

    async def replace_keys(self, keys: Keys) -> None:
        """Encrypts with other keys from now on. Raises KeysNeeded, and then stays with the present ones."""

        def replace(database: Database) -> None:
            database.replace_keys(keys.reading_plain())
            self._keys = keys.reading_plain()

        await self._thread.submit(replace)

    @property
    def keys(self) -> Keys:
        """Those that are used now."""
        return self._keys

    async def close(self) -> None:
        """See OutboxStore."""
        if self._sweep is not None:
            self._sweep.cancel()
            await asyncio.wait([self._sweep])
        await self._thread.close()

    def _open_database(self) -> Database:
        self._bodies.make_folder()
        connection = open_database(self._folder)
        try:
            return Database(connection, self._keys, self._clock)
        except BaseException:
            connection.close()
            raise

    async def _kept_body(self, message: NewMessage) -> KeptBody:
        """Writes a large body to a file, before the transaction."""
        body = message.body
        if not isinstance(body, bytes) and body.size <= IN_THE_ROW:
            body = await read_whole(body)
        if isinstance(body, bytes) and len(body) <= IN_THE_ROW:
            return KeptBody(body)
        keys, size = self._keys, body_size(body)
        keep = partial(self._bodies.keep, body, keys, context_of(message.id, message.route))
        try:
            name = await keep()
        except OutboxFull:  # the database may have room to give
            await self._thread.submit(_nothing, grows=True, room=size)
            name = await keep()
        return KeptBody(b"", name, size, keys.current_id)

    def _file_of(self, row: Row) -> StoredBody:
        context = context_of(row.id, row.route)
        return self._bodies.file(row.file or "", row.file_size, lambda: self._keys, row.key_id, context)

    def _remove(self, body: KeptBody) -> None:
        if body.file is not None:
            self._bodies.remove([body.file])

    def _settle(self, call: Callable[[Database], None]) -> "asyncio.Future[None]":
        """Returns when the call has run or failed, however long that takes.

        If one that is late were repeated, the second could undo what became of the message after the first.
        """
        return self._thread.submit(call, patient=True)

    def _undone(self, undo: Callable[[Database], None] | None) -> Callable[[object], object] | None:
        """Returns what undoes an acceptance that came too late for its sender."""
        return None if undo is None else lambda _: self._settle(undo).add_done_callback(ignore)

    def _give_back(self, taken: Sequence[TakenMessage]) -> None:
        """Nobody waits for these any more."""
        for message in taken:
            self._settle(partial(settling.release, id_=message.id)).add_done_callback(ignore)

    def _committed(self, effects: Effects) -> None:
        self._bodies.remove(effects.removed)
        if self._changed is not None:
            for route in effects.due:
                self._changed(route)

    async def _bodies_swept(self) -> None:
        """Removes what a crash left behind. If the disk fails, a later start does."""
        with suppress(OutboxUnavailable):
            await self._bodies.sweep(lambda names: self._thread.submit(partial(_unknown, names=names)))


def _unknown(database: Database, names: Sequence[str]) -> Sequence[str]:
    """Returns the names of files that no message has."""
    find = "SELECT 1 FROM messages WHERE file = ?"
    return [name for name in names if database.execute(find, (name,)).fetchone() is None]


def _nothing(database: Database) -> None:
    """For a call that only asks for room."""
    del database
