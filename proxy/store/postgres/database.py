"""The database as long as the process runs: opened, kept open, and given up quickly when it does not answer.

No operation waits for a database that is away: after the first failure all fail at once, while one task tries to open
it again, after 1 s at first and 30 s at most.
"""

import asyncio
import logging
import math
import random as chance
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from proxy.config.file_threads import FileThreads
from proxy.store.postgres.background import BackgroundTasks
from proxy.store.postgres.connecting import (
    CONNECT,
    Connection,
    Server,
    bounded,
    check_open,
    configure,
    connect,
    current,
    cut,
    reason_of,
)
from proxy.store.postgres.notifications import ANSWER, PING, Notifications, listens
from proxy.store.tokens import StoreUnreachable

if TYPE_CHECKING:
    from proxy.observe.logger import Logger

T = TypeVar("T")

QUICK = 0.1
"Seconds for an operation that a message may wait for."
OPENING = 15.0
"Seconds for opening: connections, migration, keys."
MOST = 8
"Connections of the pool; one more listens."
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
BUSY = 60.0
"Seconds between two lines that other transactions are in the way."
SETTLED = 30.0
"Seconds after which a database that was reachable counts as restored, so that the pauses begin anew."
TURNS = 5
"Turns of the event loop to read what has arrived, after a time limit: the process may have stood still."

IN_THE_WAY = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.SerializationFailure)
"What the server says where others hold up a statement for too long."

Operation = Callable[[Connection], Awaitable[T]]


class StoreBusy(StoreUnreachable):
    """Other transactions were in the way for too long; the sentence says how."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What is open while the database is reachable."""

    pool: "AsyncConnectionPool[Connection]"
    listener: Connection | None
    "None where notifications do not arrive."

    async def close(self) -> None:
        """Closes the connections without waiting for the server."""
        if self.listener is not None:
            cut(self.listener)
            await self.listener.close()
        await self.pool.close(timeout=1.0)


class Database:
    """One database, from `start` to `close`."""

    def __init__(
        self,
        server: Server,
        preparations: tuple[Operation[None], ...],
        *,
        log: "Logger",
        within: float | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        """`preparations` run each time that the database is opened; then operations may take `within` seconds each."""
        logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # what it would say is in our log already
        self._server, self._preparations, self._log = server, preparations, log
        self._within, self._sleep, self._random = within or QUICK, sleep, random
        self._threads = FileThreads()
        self._opened: _Opened | None = None
        self._failed = asyncio.Event()
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._calls = BackgroundTasks()
        self._attempts = 0
        self._busy_at = -math.inf
        self.reason: str | None = "it was not opened yet"
        "Why it cannot be used; None if it can."
        self.notifications = Notifications()

    @property
    def is_up(self) -> bool:
        """Whether operations are tried."""
        return self._opened is not None

    @property
    def listening(self) -> bool:
        """Whether notifications arrive; otherwise what waits has to look again."""
        return self._opened is not None and self._opened.listener is not None

    async def start(self, seconds: float) -> None:
        """Opens the database and keeps it open; returns after the first try, or so long."""
        self._task = asyncio.get_running_loop().create_task(self._keep_open())
        tried = asyncio.ensure_future(self._tried.wait())
        await asyncio.wait([tried, self._task], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        tried.cancel()

    async def close(self) -> None:
        """Closes all connections, without waiting for a server that does not answer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._calls.ended()

    async def run(self, operation: Operation[T], *, within: float | None = None) -> T:
        """Runs it on a connection of the pool; StoreUnreachable if it fails or takes longer than `within` seconds.

        StoreBusy, which is no outage, if the server has ended it because others are in the way. It goes on if the
        caller is cancelled.
        """
        opened, seconds = self._opened, within or self._within
        if opened is None:
            raise StoreUnreachable(f"the store is unreachable: {self.reason}")
        call = _Call(opened.pool, operation, seconds)
        task = self._calls.start(call.run())
        await asyncio.wait([task], timeout=seconds)
        for _ in range(TURNS):
            if not task.done():
                await asyncio.wait([task], timeout=0)  # not `sleep(0)`: exchanges and deliveries have no task
        if not task.done():
            call.abandon(task)
            raise self._unreachable(opened, f"it did not answer within {seconds:g} s")
        try:
            result: T = task.result()
        except IN_THE_WAY as error:
            raise self.busy(reason_of(error), at=time.monotonic()) from None
        except psycopg.Error as error:
            raise self._unreachable(opened, reason_of(error)) from None
        return result

    def busy(self, reason: str, *, at: float) -> StoreBusy:
        """Returns the error for what others held up for too long; logs it once a minute, by this monotonic time."""
        if at - self._busy_at >= BUSY:
            self._busy_at = at
            self._log.warning("store.busy", detail=f"The store is busy: {reason}.")
        return StoreBusy(f"the store is busy: {reason}")

    def _unreachable(self, opened: _Opened, reason: str) -> StoreUnreachable:
        """Closes the database for all, unless it was opened anew meanwhile."""
        if opened is self._opened:
            self._opened, self.reason = None, reason
            self._failed.set()
        return StoreUnreachable(f"the store is unreachable: {reason}")

    async def _keep_open(self) -> None:
        while True:
            self._failed.clear()
            reachable_since = None
            try:
                opened = await self._open()
            except Exception as error:  # noqa: BLE001 - libpq, DNS, files and the network: whatever it is, it is told
                self.reason = reason_of(error)
            else:
                reachable_since = time.monotonic()
                await self._watch(opened)
            self._tried.set()
            lasted = reachable_since is not None and time.monotonic() - reachable_since > SETTLED
            self._attempts = 0 if lasted else self._attempts
            pause = min(FIRST_PAUSE * 2.0 ** min(self._attempts, 10), LONGEST_PAUSE) * (1 - 0.25 * self._random())
            if reachable_since is not None or not self._attempts:
                self._log.warning("store.unreachable", detail=f"The store is unreachable: {self.reason}.")
            self._attempts += 1
            await self._sleep(max(FIRST_PAUSE, pause))

    async def _watch(self, opened: _Opened) -> None:
        """Lets operations run until one fails or the connection that listens does."""
        self._opened, self.reason = opened, None
        self._tried.set()
        self._log.info("store.reachable", listening=self.listening)
        loop = asyncio.get_running_loop()
        watching = {loop.create_task(self._failed.wait()), loop.create_task(self._receive(opened))}
        try:
            await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._opened = None
            for task in watching:
                task.cancel()
            await asyncio.wait([*watching, self._calls.start(opened.close())])

    async def _receive(self, opened: _Opened) -> None:
        try:
            if opened.listener is not None:
                await self.notifications.receive(opened.listener)
            while True:
                await self._sleep(PING)
                await self.run(_ping, within=ANSWER)
        except (psycopg.Error, StoreUnreachable) as error:
            self.reason = self.reason or reason_of(error)

    async def _open(self) -> _Opened:
        """Prepares the database, and opens the connections that stay."""
        async with AsyncExitStack() as undo:
            first = await connect(await self._arguments())
            undo.push_async_callback(first.close)
            for prepare in self._preparations:
                await bounded(first, prepare(first), OPENING)
            listener = await connect(await self._arguments())
            undo.push_async_callback(listener.close)
            pool = self._pool()
            undo.push_async_callback(pool.close, timeout=1.0)
            await pool.open(wait=True, timeout=CONNECT)
            is_listening = await listens(listener, first)
            undo.pop_all()
        await first.close()
        if not is_listening:
            await listener.close()
        return _Opened(pool, listener if is_listening else None)

    def _pool(self) -> "AsyncConnectionPool[Connection]":
        return AsyncConnectionPool(
            kwargs=self._arguments,
            connection_class=Connection,
            configure=configure,
            check=check_open,
            min_size=1,
            max_size=MOST,
            reconnect_timeout=0,
            reconnect_failed=self._lost,
            open=False,
        )

    async def _arguments(self) -> dict[str, Any]:
        return await self._threads.run(partial(current, self._server))

    async def _lost(self, _: object) -> None:
        """The pool could not replace a connection."""
        if self._opened is not None:
            self._unreachable(self._opened, "no further connection can be opened")


class _Call:
    """One operation, and the connection that it runs on."""

    def __init__(self, pool: "AsyncConnectionPool[Connection]", operation: Operation[Any], seconds: float) -> None:
        self._pool, self._operation, self._seconds = pool, operation, seconds
        self._connection: Connection | None = None

    async def run(self) -> Any:
        """Runs the operation when there is a connection for it."""
        async with self._pool.connection(timeout=self._seconds) as self._connection:
            return await self._operation(self._connection)

    def abandon(self, task: "asyncio.Task[Any]") -> None:
        """Ends it without the server."""
        if self._connection is None:
            task.cancel()
        else:
            cut(self._connection)


async def _ping(connection: Connection) -> None:
    await connection.execute("SELECT 1")
