"""The thread that alone uses the database: all calls that wait at a moment are one transaction, and one sync.

A call is answered after the commit. A call that fails by its own decision has written nothing. After any other failure
the transaction is undone and each call gets one of its own, so none fails because of another. A thread that hangs with
its disk holds up neither the event loop nor the end of the process.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from proxy.outbox.failures import disk_full, unavailable
from proxy.outbox.sqlite.calls import LIMIT, Call, Spoilt, Timeouts
from proxy.outbox.sqlite.database import Database, Effects
from proxy.outbox.sqlite.failures import Fault, fault_of
from proxy.outbox.sqlite.reserve import Reserve
from proxy.timeouts import LateCall

T = TypeVar("T")

MOST_TOGETHER = 256
CHECKPOINT_AFTER = 1000
"Changed rows; until then they are in the write-ahead log. A transaction counts as some, for the pages it touches."
PER_TRANSACTION = 4
FREE_PAGES = 4096
"Of 4 KiB, within the database; more are given back to the file system."
PAGES_AT_A_TIME = 1024
PAGES_WITHOUT_ROOM = 64
"The same if the disk is full: the transaction that gives them back has to fit into the log as it is."


class DatabaseThread:
    """Opens the database at the first call, and again after it failed."""

    def __init__(self, open_: Callable[[], Database], reserve: Reserve, committed: Callable[[Effects], None]) -> None:
        """`committed` is called in the event loop with what follows a commit."""
        self._open, self._reserve, self._committed = open_, reserve, committed
        self._database: Database | None = None
        self._taken: dict[str, str] = {}
        self._undo: list[Callable[[Database], None]] = []
        self._unmoved = 0
        self._calls: SimpleQueue[Call[Any] | None] = SimpleQueue()
        self._closed: asyncio.Future[None] | None = None
        self._timeouts = Timeouts()
        threading.Thread(target=self._work, name="outbox", daemon=True).start()

    def submit(
        self,
        run: Callable[[Database], T],
        *,
        grows: bool = False,
        room: int = 0,
        patient: bool = False,
        late: Callable[[T], object] | None = None,
        undo: Callable[[Database], None] | None = None,
    ) -> "asyncio.Future[T]":
        """Returns a plain future of what `run` returns, after its commit.

        Raises OutboxUnavailable through the future if the store fails or, unless the call is `patient`, does not answer
        in time, and OutboxFull if the disk is full and the call `grows` what is kept. If the disk does not have `room`
        bytes for files, free pages of the database are given back first. A result for which nobody waits any more goes
        to `late`. A commit that failed may be found when the database is opened again: then `undo` runs
        before anything else.
        """
        call = Call(run, grows=grows, room=room, late=late, undo=undo)
        if self._closed is not None:
            call.future.set_exception(unavailable("it is closed"))
            return call.future
        if not patient:
            self._timeouts.watch(call)
        self._calls.put(call)
        return call.future

    async def close(self) -> None:
        """Returns when all calls are answered and the database is closed, or when the disk does not answer."""
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_future()
            self._loop = asyncio.get_running_loop()
            self._calls.put(None)
        alarm = LateCall(LIMIT, partial(_give_up, self._closed))
        await asyncio.shield(self._closed)
        alarm.cancel()

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            calls, goes_on = self._next_group()
            calls = [call for call in calls if not call.future.done()]  # the others were given up
            try:
                self._serve(calls)
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread has to go on
                self._fail(calls, error)
                self._drop()
        self._shut()

    def _next_group(self) -> tuple[Sequence[Call[Any]], bool]:
        """Waits for calls; false with the last ones."""
        call = self._calls.get()
        calls: list[Call[Any]] = []
        with suppress(Empty):
            while call is not None:
                calls.append(call)
                if len(calls) == MOST_TOGETHER:
                    return calls, True
                call = self._calls.get_nowait()
            return calls, False
        return calls, True

    def _serve(self, calls: Sequence[Call[Any]]) -> None:
        if not calls:
            return
        if any(call.grows for call in calls):
            self._give_back(self._reserve.make)
        if room := sum(call.room for call in calls):
            self._give_back(partial(self._reserve.has_room, room))
        if len(calls) == 1 or not self._try(calls):
            for call in calls:
                self._serve_alone(call)
        if self._unmoved >= CHECKPOINT_AFTER:
            self._checkpoint()

    def _give_back(self, is_enough: Callable[[], bool]) -> None:
        """Gives free pages of the database back to the disk until that is enough, or none is left."""
        pages: int | None = None
        while not is_enough() and self._database is not None:
            before = pages
            pages = self._database.free_pages()
            if not pages or pages == before:
                return
            self._checkpoint(is_full=True)

    def _serve_alone(self, call: Call[Any]) -> None:
        if not self._try([call]) and not self._try([call]):  # with the room of the reserve, the second time
            call.error = call.error or unavailable("the disk is full")
            self._answer([call], Effects())

    def _try(self, calls: Sequence[Call[Any]]) -> bool:
        """Answers all calls with one transaction; false if each has to be tried apart, or again."""
        try:
            database = self._opened(calls)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._fail(calls, error)
            return True
        try:
            effects = self._transact(database, calls)
        except sqlite3.Error as error:
            return self._undone(database, calls, error)
        except Spoilt:
            return self._undone(database, calls, None)
        self._answer(calls, effects)
        return True

    def _transact(self, database: Database, calls: Sequence[Call[Any]]) -> Effects:
        changes = database.connection.total_changes
        database.begin()
        for call in calls:
            if call.grows and not self._reserve.is_there:
                call.error = disk_full()
            else:
                call.attempt(database)
        effects = database.commit()
        if database.connection.total_changes != changes:
            self._unmoved += database.connection.total_changes - changes + PER_TRANSACTION
        return effects

    def _undone(self, database: Database, calls: Sequence[Call[Any]], error: sqlite3.Error | None) -> bool:
        """Undoes the transaction; true if the calls were answered, because the store has failed."""
        fault = Fault.CALL if error is None else fault_of(error)
        if fault is Fault.CALL and error is not None and len(calls) == 1:
            calls[0].error = unavailable(error)
        try:
            database.rollback()
        except sqlite3.Error as failure:
            fault, error = Fault.STORE, failure
        if fault is Fault.FULL:
            self._reserve.release()
            self._checkpoint()  # with the room of the reserve; then the log has room too
        if fault is not Fault.STORE:
            return False
        self._undo += [call.undo for call in calls if call.undo is not None]
        self._drop()
        self._fail(calls, error)
        return True

    def _opened(self, calls: Sequence[Call[Any]]) -> Database:
        if self._database is not None:
            return self._database
        database = self._open()
        try:
            database.tally.resume(self._taken)
            if self._undo:
                database.begin()
                for undo in self._undo:
                    undo(database)
                effects = database.commit()
                self._undo = []
                self._tell(calls, (), effects)
        except BaseException:
            database.connection.close()
            raise
        self._database = database
        return database

    def _drop(self) -> None:
        """Gives up the connection: what it wrote may be lost, and the next call opens what is on the disk."""
        database, self._database = self._database, None
        if database is not None:
            self._taken = database.tally.taken
            with suppress(sqlite3.Error):
                database.connection.close()

    def _fail(self, calls: Sequence[Call[Any]], error: Exception | None) -> None:
        for call in calls:
            call.error = error if isinstance(error, ValueError) else unavailable(error)
        self._answer(calls, Effects())

    def _answer(self, calls: Sequence[Call[Any]], effects: Effects) -> None:
        self._tell(calls, calls, effects)

    def _tell(self, waiting: Sequence[Call[Any]], answered: Sequence[Call[Any]], effects: Effects) -> None:
        with suppress(RuntimeError):  # the event loop is closed: the process is ending
            waiting[0].loop.call_soon_threadsafe(self._answered, answered, effects)

    def _answered(self, calls: Sequence[Call[Any]], effects: Effects) -> None:
        for call in calls:
            call.answer()
        self._committed(effects)

    def _checkpoint(self, *, is_full: bool = False) -> None:
        """Empties the log into the database, and gives back free pages: all in time, if the disk `is_full`."""
        database, self._unmoved = self._database, 0
        if database is None:
            return
        try:
            database.checkpoint()
            if database.free_pages() > (0 if is_full else FREE_PAGES):
                database.shrink(PAGES_WITHOUT_ROOM if is_full else PAGES_AT_A_TIME)
                database.checkpoint()
        except sqlite3.Error as error:
            if fault_of(error) is Fault.FULL:
                self._reserve.release()
            else:
                self._drop()

    def _shut(self) -> None:
        self._drop()
        if self._closed is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_give_up, self._closed)


def _give_up(closed: "asyncio.Future[None]") -> None:
    if not closed.done():
        closed.set_result(None)
