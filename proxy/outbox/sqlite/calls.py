"""What the database thread is asked to do, and how long that may take."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from proxy.outbox.failures import unavailable
from proxy.outbox.sqlite.database import Database
from proxy.timeouts import LateCall

T = TypeVar("T")

LIMIT = 10.0
"Seconds for a call to be answered."


class Spoilt(Exception):
    """A call failed after it had written."""


class Call(Generic[T]):
    """One thing to do, and who waits for it."""

    __slots__ = ("error", "future", "grows", "late", "loop", "result", "room", "run", "undo")

    def __init__(
        self,
        run: Callable[[Database], T],
        *,
        grows: bool,
        room: int,
        late: Callable[[T], object] | None,
        undo: Callable[[Database], None] | None,
    ) -> None:
        self.run, self.grows, self.room, self.late, self.undo = run, grows, room, late, undo
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self.result: T
        self.error: BaseException | None = None

    def attempt(self, database: Database) -> None:
        """Runs in the thread. Raises sqlite3.Error, and _Spoilt if more than this call has to be undone."""
        changes = database.connection.total_changes
        try:
            self.result, self.error = self.run(database), None
        except sqlite3.Error:
            raise
        except Exception as error:  # it is raised where the call is awaited
            self.error = error
            if database.connection.total_changes != changes:
                raise Spoilt from error

    def answer(self) -> None:
        """Runs in the event loop."""
        if not self.future.done():
            if self.error is None:
                self.future.set_result(self.result)
            else:
                self.future.set_exception(self.error)
        elif self.error is None and self.late is not None:
            self.late(self.result)


class Timeouts:
    """Has calls fail that wait for too long. One timer serves all, because most are answered within a millisecond."""

    def __init__(self) -> None:
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        "The calls, and when each has waited for too long."
        self._alarm: LateCall | None = None

    def watch(self, call: Call[Any]) -> None:
        """Has the call fail after LIMIT."""
        watched = self._watched
        while watched and watched[0][1].done():
            watched.popleft()
        watched.append((call.loop.time() + LIMIT, call.future))
        if self._alarm is None:
            self._alarm = LateCall(LIMIT, self._check)

    def _check(self) -> None:
        """Fails the calls that wait for too long; the others are looked at when the first of them has."""
        watched, now = self._watched, asyncio.get_running_loop().time()
        self._alarm = None
        while watched and (watched[0][0] <= now or watched[0][1].done()):
            _too_late(watched.popleft()[1])
        if watched:
            self._alarm = LateCall(watched[0][0] - now, self._check)


def _too_late(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(unavailable(f"no answer within {LIMIT:g} s"))
