"""Stores of replicas over one database, whose clock is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg
import pytest

from proxy.outbox.postgres.store import PostgresOutbox
from proxy.store.keys import Keys
from proxy.store.postgres import migrations
from proxy.store.postgres.connecting import Server
from proxy.store.postgres.database import Database
from proxy.store.postgres.names import NameKey
from tests.fakes.database_clock import DatabaseClock
from tests.fakes.postgres import PostgresServer
from tests.unit.oauth.world import Lines
from tests.unit.outbox.store_contract import NOW, Opened
from tests.unit.store.test_keys import ROTATED

Replica = Callable[..., AbstractAsyncContextManager[PostgresOutbox]]


async def never(_: float) -> None:
    """Sleep until the test is over."""
    await asyncio.Event().wait()


@pytest.fixture
def clock(postgres_server: PostgresServer, database: str) -> DatabaseClock:
    """Of the store and its database."""
    return DatabaseClock(postgres_server, database, wall=NOW)


@pytest.fixture
def lines() -> Lines:
    """The log."""
    return Lines()


@pytest.fixture
def server(postgres_server: PostgresServer, database: str) -> Server:
    """The new database, by its password."""
    return Server(postgres_server.url(database), postgres_server.password_file)


@pytest.fixture
def replica(server: Server, clock: DatabaseClock, lines: Lines) -> Replica:
    """Opens a store, and closes it."""

    @asynccontextmanager
    async def open_(*, keys: Keys = ROTATED, **options: Any) -> AsyncIterator[PostgresOutbox]:
        rejected: list[ValueError] = []
        resting = asyncio.Semaphore(0)

        async def sleep(seconds: float) -> None:
            resting.release()
            await never(seconds)

        names = NameKey(lambda: keys, rejected=rejected.append)
        database = Database(server, (migrations.migrate, names.load), log=lines)
        await database.start(15.0)
        options = {"clock": clock, "sleep": sleep, **options}
        store = PostgresOutbox(database, names, lambda: keys, log=lines, rejected=rejected.append, **options)
        store.start()
        if options["sleep"] is sleep:
            for _ in ("leases", "waking"):
                await resting.acquire()  # a first look might wake somebody later
        try:
            yield store
        finally:
            await store.close()
            await database.close()

    return open_


@pytest.fixture
def opened(replica: Replica) -> Opened:
    """Opens the store, and closes it."""
    return replica


@pytest.fixture
async def store(replica: Replica) -> AsyncIterator[PostgresOutbox]:
    """A store that is open."""
    async with replica() as store:
        yield store


class Session:
    """Somebody else in the store's database."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        self._connection = connection

    async def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        found: list[tuple[Any, ...]] = []
        for each in statements:
            cursor = await self._connection.execute(each.encode())
            found = await cursor.fetchall() if cursor.description else []
        return found

    async def waiting(self) -> int:
        """How many wait for a lock."""
        await self.run("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ((number,),) = await self.run(asked)
        return int(number)


@pytest.fixture
async def session(postgres_server: PostgresServer, database: str) -> AsyncIterator[Session]:
    """It may hold a lock for long."""
    connection = await psycopg.AsyncConnection.connect(postgres_server.socket_url(database), autocommit=True)
    async with connection:
        yield Session(connection)
