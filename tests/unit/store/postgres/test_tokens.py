"""The rows of shared tokens: PostgreSQL does what the protocol's tests assume of a store."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.store.postgres.connecting import Server
from proxy.store.postgres.database import Database
from proxy.store.postgres.migrations import migrate
from proxy.store.postgres.names import NameKey
from proxy.store.postgres.tokens import PostgresTokens, clean
from proxy.store.tokens import Sealed, TokenStore
from tests.fakes.clock import HandClock
from tests.fakes.database_clock import DatabaseClock
from tests.fakes.pgbouncer import PgBouncer
from tests.fakes.postgres import PostgresServer
from tests.fakes.token_store import MemoryTokenStore, keys
from tests.unit.oauth.world import Lines

pytestmark = pytest.mark.needs("postgresql")

NAME, ME, YOU = b"name", b"me", b"you"
TOKEN, OTHER = Sealed(b"key", b"\x00token"), Sealed(b"key", b"\xffother")


@pytest.fixture
def clock(postgres_server: PostgresServer, database: str) -> DatabaseClock:
    """The database's clock."""
    return DatabaseClock(postgres_server, database, wall=1_800_000_000.0)


@pytest.fixture(params=["memory", "postgresql", pytest.param("pgbouncer", marks=pytest.mark.needs("pgbouncer"))])
async def store(
    request: pytest.FixtureRequest, server: Server, database: str, postgres_server: PostgresServer
) -> AsyncIterator[TokenStore]:
    """Time stands still."""
    if request.param == "memory":
        yield MemoryTokenStore(HandClock())
        return
    request.getfixturevalue("clock")
    if request.param == "pgbouncer":
        pooler: PgBouncer = request.getfixturevalue("pooler")
        server = Server(pooler.url(database), postgres_server.password_file)
    names = NameKey(keys, rejected=lambda error: pytest.fail(str(error)))
    opened = Database(server, (migrate, names.load, clean), log=Lines(), within=10)
    await opened.start(10)
    yield PostgresTokens(opened, names)
    await opened.close()


async def test_a_row_that_is_not_there_is_of_generation_0(store: TokenStore) -> None:
    """It is empty."""
    row = await store.look(NAME)
    assert (row.generation, row.token, row.lease_left, row.failure, row.pause_left) == (0, None, 0, None, 0)
    await store.forget(NAME, 0)


async def test_one_has_the_lease(store: TokenStore) -> None:
    """Only its owner extends it or gives it back."""
    assert await asyncio.gather(*(store.acquire(NAME, each, 5) for each in (ME, YOU))) == [True, False]
    assert (await store.look(NAME)).lease_left == 5
    assert (await store.extend(NAME, YOU, 50), await store.extend(NAME, ME, 20)) == (False, True)
    assert (await store.look(NAME)).lease_left == 20
    await store.release(NAME, YOU)
    assert not await store.acquire(NAME, YOU, 5)
    await store.release(NAME, ME)
    assert await store.acquire(NAME, YOU, 5)


async def test_a_lease_that_is_over_can_be_taken(store: TokenStore) -> None:
    """A lease of no duration is over at once."""
    assert await store.acquire(NAME, ME, 0)
    assert (await store.look(NAME)).lease_left == 0
    assert await store.acquire(NAME, YOU, 5)
    assert not await store.extend(NAME, ME, 5)


async def test_a_token_is_published_by_who_has_the_lease(store: TokenStore) -> None:
    """Only as the next generation."""
    now = (await store.look(NAME)).now
    await store.acquire(NAME, ME, 5)
    assert not await store.publish(NAME, YOU, generation=1, token=OTHER, asked_at=now)
    assert not await store.publish(NAME, ME, generation=2, token=OTHER, asked_at=now)
    assert await store.publish(NAME, ME, generation=1, token=TOKEN, asked_at=now - 10)
    row = await store.look(NAME)
    assert (row.generation, row.token, row.lease_left, row.failures) == (1, TOKEN, 0, 0)
    assert row.age == 10
    assert not await store.publish(NAME, ME, generation=2, token=OTHER, asked_at=now)


async def test_a_failure_is_published_by_who_has_the_lease(store: TokenStore) -> None:
    """A token ends a row of failures."""
    row = await store.look(NAME)
    for count in (1, 2):
        await store.acquire(NAME, ME, 5)
        assert not await store.publish_failure(NAME, YOU, generation=0, failure=OTHER, seconds=30)
        assert not await store.publish_failure(NAME, ME, generation=1, failure=OTHER, seconds=30)
        assert await store.publish_failure(NAME, ME, generation=0, failure=TOKEN, seconds=30)
        row = await store.look(NAME)
        assert (row.failure, row.failures, row.lease_left) == (TOKEN, count, 0)
        assert row.pause_left == 30
    await store.acquire(NAME, ME, 5)
    await store.publish(NAME, ME, generation=1, token=TOKEN, asked_at=row.now)
    row = await store.look(NAME)
    assert (row.failure, row.failures, row.pause_left) == (None, 0, 0)


async def test_a_token_is_forgotten_by_its_generation(store: TokenStore) -> None:
    """A later one stays."""
    await store.acquire(NAME, ME, 5)
    await store.publish(NAME, ME, generation=1, token=TOKEN, asked_at=(await store.look(NAME)).now)
    await store.forget(NAME, 0)
    assert (await store.look(NAME)).token == TOKEN
    await store.forget(NAME, 1)
    assert ((await store.look(NAME)).token, (await store.look(NAME)).generation) == (None, 1)


async def test_rows_do_not_touch_each_other(store: TokenStore) -> None:
    """Each OAuth client has its own lease."""
    assert await store.acquire(NAME, ME, 5)
    assert await store.acquire(b"another", YOU, 5)
    assert store.is_available
    assert store.name_of(b"a") != store.name_of(b"b")


async def test_whoever_waits_is_told_of_a_change(store: TokenStore) -> None:
    """By a notification, or by the time."""
    await store.acquire(NAME, ME, 5)
    waiting = asyncio.create_task(store.changed(NAME, 0.25))
    await asyncio.sleep(0)
    await store.release(NAME, ME)
    await waiting


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
async def test_a_clock_of_the_server_that_was_set_back_leaves_no_lease_for_ever(
    store: TokenStore, clock: DatabaseClock
) -> None:
    """As after a failover."""
    await store.acquire(NAME, ME, 5)
    await store.publish_failure(NAME, ME, generation=0, failure=TOKEN, seconds=30)
    await store.acquire(NAME, ME, 5)
    clock.skew = -3600.0
    await asyncio.to_thread(clock.store)
    row = await store.look(NAME)
    assert (row.lease_left, row.pause_left) == (0, 0)
    assert await store.acquire(NAME, YOU, 5)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
async def test_rows_that_nobody_uses_are_removed(
    store: TokenStore, server: Server, postgres_server: PostgresServer, database: str
) -> None:
    """After 180 days."""
    await store.acquire(NAME, ME, 5)
    await store.acquire(b"used", ME, 5)
    old = "UPDATE cpi_proxy_tokens SET changed_at = changed_at - interval '182 days' WHERE name = 'name'"
    await asyncio.to_thread(postgres_server.sql, old, database)
    opened = Database(server, (clean,), log=Lines(), within=10)
    await opened.start(10)
    await opened.close()
    assert await asyncio.to_thread(postgres_server.sql, "SELECT name FROM cpi_proxy_tokens", database) == "\\x75736564"
