"""Behind PgBouncer in transaction mode, where the session of the server is somebody else's after each transaction."""

import asyncio

import pytest

from proxy.store.postgres.connecting import Connection, Server
from proxy.store.postgres.database import Database
from proxy.store.postgres.migrations import VERSION, migrate, version
from proxy.store.postgres.notifications import listens
from proxy.store.postgres.transactions import rows, transact
from tests.fakes.pgbouncer import PgBouncer
from tests.fakes.postgres import PostgresServer
from tests.unit.oauth.world import Lines
from tests.unit.store.postgres.conftest import Connect

pytestmark = pytest.mark.needs("postgresql", "pgbouncer")

LIMITS = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), pg_backend_pid()"


@pytest.fixture
def pooled(pooler: PgBouncer, postgres_server: PostgresServer, database: str) -> Server:
    """The new database, by the pooler."""
    return Server(pooler.url(database), postgres_server.password_file)


async def test_a_pooler_is_noticed(connecting: Connect, pooled: Server) -> None:
    """By the number of the session."""
    assert [(await connecting(each)).is_pooled for each in (None, pooled)] == [False, True]


async def test_sessions_of_the_pooler_stay_as_they_are(connecting: Connect, pooled: Server) -> None:
    """None has our limits or notifications."""
    database = Database(pooled, (migrate,), log=Lines(), within=10)
    await database.start(10)
    clients = [await connecting(pooled) for _ in range(3)]
    for each in clients:
        await each.execute("BEGIN")
    for each in clients:
        await each.execute("ROLLBACK")
    connection = clients[0]
    found = [(await rows(connection, LIMITS))[0] for _ in range(6)]
    channels = [await rows(connection, "SELECT pg_listening_channels()") for _ in range(6)]
    assert {each[:2] for each in found} == {("0", "0")}
    assert len({each[2] for each in found}) == 3
    assert channels == [[]] * 6
    await database.close()


async def test_each_transaction_is_limited(pooled: Server, server: Server) -> None:
    """As the session is without a pooler."""
    for each in (pooled, server):
        database = Database(each, (migrate,), log=Lines(), within=10)
        await database.start(10)
        (found,) = await transact(database, lambda connection: rows(connection, LIMITS), within=10)
        assert found[:2] == ("5s", "2s")
        await database.close()


async def test_notifications_are_not_waited_for(connecting: Connect, pooled: Server) -> None:
    """What waits looks again."""
    assert not await listens(await connecting(pooled), await connecting(pooled))
    log = Lines()
    database = Database(pooled, (migrate,), log=log, within=10)
    await database.start(10)
    assert (database.is_up, database.listening) == (True, False)
    assert [each["listening"] for each in log.named("store.reachable")] == [False]
    await database.close()


async def test_replicas_that_start_at_once_make_the_tables_once(connecting: Connect, pooled: Server) -> None:
    """No session keeps the lock."""
    connections: list[Connection] = [await connecting(pooled) for _ in range(4)]
    await asyncio.gather(*map(migrate, connections))
    assert [await version(each) for each in connections] == [VERSION] * 4
    (row,) = await rows(connections[0], "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    assert row == (0,)


async def test_statements_are_not_prepared(connecting: Connect, pooled: Server) -> None:
    """Another session would not know them."""
    connection = await connecting(pooled)
    for number in range(20):
        assert await rows(connection, "SELECT %s::int", (number,)) == [(number,)]
    for _ in range(3):
        assert await rows(connection, "SELECT count(*) FROM pg_prepared_statements") == [(0,)]
