"""The thread that alone uses the database: groups, failures, and what does not stop it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import OutboxFull, OutboxUnavailable
from proxy.outbox.sqlite import calls, database_thread
from proxy.outbox.sqlite.database import Database, Effects
from proxy.outbox.sqlite.database_thread import DatabaseThread
from proxy.outbox.sqlite.reserve import Reserve
from proxy.outbox.sqlite.schema import open_database
from proxy.store.keys import Keys
from tests.cases import cases
from tests.fakes.clock import HandClock

PATIENCE = 30.0


class Opener:
    """Opens databases, or fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.fails: Exception | None = None
        self.opened = 0

    def __call__(self) -> Database:
        """Open one more."""
        self.opened += 1
        if self.fails is not None:
            raise self.fails
        return Database(open_database(self._folder), Keys(), HandClock())


class Barrier:
    """A call that lets others wait behind it."""

    def __init__(self) -> None:
        self._begun, self.go = threading.Event(), threading.Event()

    def __call__(self, _: Database) -> None:
        """Wait."""
        self._begun.set()
        assert self.go.wait(PATIENCE)

    async def begun(self) -> None:
        """Wait until it runs."""
        assert await asyncio.to_thread(self._begun.wait, PATIENCE)


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    """Opens the thread's database."""
    return Opener(tmp_path)


@pytest.fixture
def effects() -> list[Effects]:
    """What followed each commit."""
    return []


@pytest.fixture
async def thread(opener: Opener, effects: list[Effects], tmp_path: Path) -> AsyncIterator[DatabaseThread]:
    """A thread."""
    thread = DatabaseThread(opener, Reserve(tmp_path), effects.append)
    yield thread
    await thread.close()


def put(route: str) -> Callable[[Database], int]:
    """A call that writes."""
    return lambda database: database.execute("INSERT INTO routes VALUES (?, 0, 0, 0, 1)", (route,)).rowcount


def routes(database: Database) -> list[str]:
    """A call that reads."""
    return [route for (route,) in database.execute("SELECT route FROM routes ORDER BY route")]


def failing(error: Exception, before: str = "") -> Callable[[Database], None]:
    """It may have written before."""

    def fail(database: Database) -> None:
        if before:
            put(before)(database)
        raise error

    return fail


def error_of_sqlite(code: int) -> sqlite3.OperationalError:
    """An error as SQLite raises it."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


async def together(thread: DatabaseThread, *calls: Callable[[Database], Any], grows: bool = False) -> list[Any]:
    """Calls that wait at the same time."""
    barrier = Barrier()
    first = thread.submit(barrier)
    await barrier.begun()
    waiting = [thread.submit(call, grows=grows) for call in calls]
    barrier.go.set()
    await first
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_waits_is_one_transaction(thread: DatabaseThread, effects: list[Effects]) -> None:
    """And one commit."""
    begun = await thread.submit(lambda _: len(effects))
    assert await together(thread, put("a"), put("b"), routes) == [1, 1, ["a", "b"]]
    assert len(effects) - begun == 3  # the question, the barrier, and the three


async def test_a_call_that_decides_to_fail_harms_no_other(thread: DatabaseThread) -> None:
    """It has written nothing."""
    outcomes = await together(thread, put("a"), failing(LookupError("no")), put("b"))
    assert [type(each) for each in outcomes] == [int, LookupError, int]
    assert await thread.submit(routes) == ["a", "b"]


async def test_a_call_that_fails_after_it_wrote_is_undone_alone(thread: DatabaseThread) -> None:
    """The others are tried again."""
    outcomes = await together(thread, put("a"), failing(LookupError("no"), before="x"), put("b"))
    assert [type(each) for each in outcomes] == [int, LookupError, int]
    assert await thread.submit(routes) == ["a", "b"]


async def test_a_constraint_that_is_violated_harms_no_other(thread: DatabaseThread, opener: Opener) -> None:
    """The connection stays."""
    outcomes = await together(thread, put("a"), put("a"), put("b"))
    assert [type(each) for each in outcomes] == [int, OutboxUnavailable, int]
    assert await thread.submit(routes) == ["a", "b"]
    assert opener.opened == 1


async def test_after_an_error_of_the_disk_the_database_is_opened_again(thread: DatabaseThread, opener: Opener) -> None:
    """The next transaction works."""
    error = error_of_sqlite(sqlite3.SQLITE_IOERR_FSYNC)
    outcomes = await together(thread, put("a"), failing(error))
    assert [str(each) for each in outcomes] == 2 * [
        "The store of the outbox cannot be used now (disk I/O error). Nothing was accepted; send it again later."
    ]
    assert await thread.submit(routes) == []
    assert opener.opened == 2


async def test_what_is_being_delivered_is_known_after_an_error(thread: DatabaseThread) -> None:
    """It is not delivered twice."""
    await thread.submit(lambda database: database.tally.taken.update(id="route"))
    with pytest.raises(OutboxUnavailable):
        await thread.submit(failing(error_of_sqlite(sqlite3.SQLITE_IOERR)))
    assert await thread.submit(lambda database: database.tally.taken) == {"id": "route"}


async def test_a_rollback_that_fails_is_an_error_of_the_store(thread: DatabaseThread, opener: Opener) -> None:
    """As if SQLite could not read its log."""

    def broken(database: Database) -> None:
        database.connection.close()
        raise error_of_sqlite(sqlite3.SQLITE_CONSTRAINT)

    with pytest.raises(OutboxUnavailable):
        await thread.submit(broken)
    assert await thread.submit(routes) == []
    assert opener.opened == 2


async def test_a_database_that_cannot_be_opened_is_tried_again(thread: DatabaseThread, opener: Opener) -> None:
    """What only a person can change keeps its sentence."""
    opener.fails = OSError(5, "Input/output error")
    with pytest.raises(OutboxUnavailable, match="Input/output error"):
        await thread.submit(routes)
    opener.fails = ValueError("add the key")
    with pytest.raises(ValueError, match="add the key"):
        await thread.submit(routes)
    opener.fails = None
    assert await thread.submit(routes) == []


async def test_an_error_that_nobody_thought_of_does_not_end_the_thread(thread: DatabaseThread, opener: Opener) -> None:
    """The next call works."""
    opener.fails = RuntimeError("unheard of")
    with pytest.raises(OutboxUnavailable, match="unheard of"):
        await thread.submit(routes)
    opener.fails = None
    assert await thread.submit(routes) == []


async def test_a_full_disk_refuses_what_grows_only(
    thread: DatabaseThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have the reserve."""
    full = error_of_sqlite(sqlite3.SQLITE_FULL)
    attempts = iter([full, None, full, full])

    def settle(database: Database) -> int:
        error = next(attempts)
        if error is not None:
            raise error
        return put("settled")(database)

    assert await thread.submit(put("a"), grows=True) == 1
    assert (tmp_path / "reserve").exists()
    assert await thread.submit(settle) == 1
    assert not (tmp_path / "reserve").exists()
    monkeypatch.setattr("proxy.outbox.sqlite.disk.free_bytes", lambda _: 0)
    with pytest.raises(OutboxFull, match="disk of the outbox is full"):
        await thread.submit(put("b"), grows=True)
    with pytest.raises(OutboxUnavailable, match="the disk is full"):
        await thread.submit(settle)
    monkeypatch.undo()
    assert await thread.submit(put("b"), grows=True) == 1


async def test_the_log_is_emptied_now_and_then(thread: DatabaseThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free pages are given back."""
    monkeypatch.setattr(database_thread, "CHECKPOINT_AFTER", 1)
    monkeypatch.setattr(database_thread, "FREE_PAGES", 10)
    sizes: list[int] = []
    for statement in ("INSERT INTO contents VALUES (1, '', zeroblob(1000000))", "DELETE FROM contents", "SELECT 1"):
        await thread.submit(lambda database, statement=statement: database.execute(statement).fetchall())  # type: ignore[misc]
        pages = await thread.submit(lambda database: database.execute("PRAGMA page_count").fetchone()[0])
        sizes.append(pages)
    assert sizes[-1] < 40 < sizes[0] - 200, sizes


@cases("code", sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
async def test_a_checkpoint_that_fails_loses_nothing(
    thread: DatabaseThread, opener: Opener, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """What was committed is in the log."""
    monkeypatch.setattr(database_thread, "CHECKPOINT_AFTER", 1)

    def fail(_: Database) -> None:
        raise error_of_sqlite(code)

    monkeypatch.setattr(Database, "checkpoint", fail)
    assert await thread.submit(put("a")) == 1
    assert await thread.submit(routes) == ["a"]
    assert opener.opened == (1 if code == sqlite3.SQLITE_FULL else 2)


async def test_a_disk_that_hangs_holds_nobody_up(thread: DatabaseThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does closing wait for ever."""
    for module in (calls, database_thread):
        monkeypatch.setattr(module, "LIMIT", 0.01)
    barrier = Barrier()
    hanging = thread.submit(barrier)
    await barrier.begun()
    given_up = thread.submit(put("a"))
    for each in (hanging, given_up):
        with pytest.raises(OutboxUnavailable, match="no answer within"):
            await each
    await thread.close()
    with pytest.raises(OutboxUnavailable, match="it is closed"):
        await thread.submit(routes)
    barrier.go.set()


async def test_many_calls_are_several_groups(thread: DatabaseThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction becomes too large."""
    monkeypatch.setattr(database_thread, "MOST_TOGETHER", 2)
    assert await together(thread, *(put(str(number)) for number in range(5))) == [1] * 5


def test_a_result_after_the_end_of_the_event_loop_is_dropped(tmp_path: Path) -> None:
    """Nobody is there to take it."""
    barrier = Barrier()

    async def scenario() -> DatabaseThread:
        thread = DatabaseThread(Opener(tmp_path), Reserve(tmp_path), lambda _: None)
        thread.submit(barrier)
        await barrier.begun()
        return thread

    thread = asyncio.run(scenario())
    barrier.go.set()

    async def end() -> None:
        await thread.close()

    asyncio.run(end())
