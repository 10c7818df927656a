"""A call that the disk holds up: what its caller is told, and what becomes of it."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence

import pytest

from proxy.errors import OutboxUnavailable
from proxy.outbox.message import HistoryEntry, MessageState, MessageSummary
from proxy.outbox.sqlite import calls
from proxy.outbox.sqlite.database import Database, Effects
from proxy.outbox.sqlite.store import SqliteOutbox
from tests.unit.outbox.store_contract import NOW, accept, message, take

PATIENCE = 30.0


class Disk:
    """Commits hang, or fail though they are done."""

    def __init__(self) -> None:
        self._commit = Database.commit
        self._go = threading.Event()
        self._go.set()
        self.fails = False

    def hang(self) -> None:
        """Hold up all commits."""
        self._go.clear()

    def go_on(self) -> None:
        """No more."""
        self._go.set()

    def commit(self, database: Database) -> Effects:
        """Instead of `Database.commit`."""
        assert self._go.wait(PATIENCE)
        effects = self._commit(database)
        if self.fails:
            self.fails = False
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return effects


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The disk of the store."""
    disk = Disk()

    def commit(database: Database) -> Effects:
        return disk.commit(database)

    monkeypatch.setattr(Database, "commit", commit)
    yield disk
    disk.go_on()


def impatient(store: SqliteOutbox, patch: pytest.MonkeyPatch) -> None:
    """The timer of earlier calls is not waited for."""
    patch.setattr(calls, "LIMIT", 0.01)
    patch.setattr(store._thread._timeouts, "_alarm", None)


async def kept(store: SqliteOutbox) -> Sequence[MessageSummary]:
    """All messages."""
    return await store.messages(route=None, state=None, limit=10, after=None)


async def test_a_commit_that_was_said_to_have_failed_does_not_count(store: SqliteOutbox, disk: Disk) -> None:
    """Its sender sends the message again."""
    disk.fails = True
    with pytest.raises(OutboxUnavailable):
        await accept(store)
    assert await kept(store) == []
    assert await store.routes() == []


async def test_with_the_sender_s_id_it_counts_once(store: SqliteOutbox, disk: Disk) -> None:
    """Its sender may repeat it at once."""
    first = message(sender_id=b"a", content_hash=b"h", remember=60.0)
    again = message(sender_id=b"a", content_hash=b"h", remember=60.0)
    disk.fails = True
    with pytest.raises(OutboxUnavailable):
        await store.accept(first, max_messages=10, max_bytes=10_000)
    assert not (await store.accept(again, max_messages=10, max_bytes=10_000)).is_new
    assert [each.id for each in await kept(store)] == [first.id]


async def test_an_acceptance_that_comes_too_late_does_not_count(
    store: SqliteOutbox, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender has given up."""
    disk.hang()
    impatient(store, monkeypatch)
    with pytest.raises(OutboxUnavailable, match="no answer within"):
        await accept(store)
    monkeypatch.setattr(calls, "LIMIT", PATIENCE)
    disk.go_on()
    await store.routes()  # what came too late is answered, and then undone
    assert await kept(store) == []


async def test_what_became_of_a_message_is_stored_once_however_long_that_takes(
    store: SqliteOutbox, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be done again in another delivery."""
    await store.accept(message(), max_messages=10, max_bytes=10_000)
    (taken,) = await take(store)
    disk.hang()
    settled = asyncio.create_task(store.deferred(taken.id, next_at=NOW, entry=HistoryEntry(at=NOW)))
    with monkeypatch.context() as patch:
        impatient(store, patch)
        with pytest.raises(OutboxUnavailable, match="no answer within"):
            await store.next_due("orders")
    assert not settled.done()
    disk.go_on()
    await settled
    (one,) = await kept(store)
    assert one.state is MessageState.WAITING
