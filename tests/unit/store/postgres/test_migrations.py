"""The tables, made and migrated."""

import asyncio

import pytest

from proxy.store.postgres import migrations
from proxy.store.postgres.migrations import VERSION, SchemaNewer, migrate, version
from tests.fakes.postgres import PostgresServer
from tests.unit.store.postgres.conftest import Connect

pytestmark = pytest.mark.needs("postgresql")


async def test_replicas_that_start_at_once_make_the_tables_once(connecting: Connect) -> None:
    """One does, the others find them."""
    connections = [await connecting() for _ in range(4)]
    assert await version(connections[0]) == 0
    await asyncio.gather(*map(migrate, connections))
    assert [await version(each) for each in connections] == [VERSION] * 4


async def test_tables_of_an_earlier_version_become_those_of_this(
    connecting: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in them stays."""
    connection = await connecting()
    await migrate(connection)
    await connection.execute("INSERT INTO cpi_proxy_tokens (name) VALUES ('a')")
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, "ALTER TABLE cpi_proxy_tokens ADD more integer"))
    monkeypatch.setattr(migrations, "VERSION", VERSION + 1)
    await migrate(connection)
    assert await version(connection) == VERSION + 1
    cursor = await connection.execute("SELECT name, more FROM cpi_proxy_tokens")
    assert await cursor.fetchall() == [(b"a", None)]


async def test_tables_of_a_newer_proxy_are_refused(connecting: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old proxy could damage them."""
    connection = await connecting()
    await migrate(connection)
    monkeypatch.setattr(migrations, "VERSION", VERSION - 1)
    with pytest.raises(SchemaNewer, match="update the proxy"):
        await migrate(connection)


async def test_a_user_that_may_create_nothing_uses_tables_that_are_there(
    connecting: Connect, postgres_server: PostgresServer, database: str
) -> None:
    """Somebody else may have made them."""
    connection = await connecting()
    await migrate(connection)
    await asyncio.to_thread(postgres_server.sql, f"ALTER DATABASE {database} OWNER TO postgres", database)
    await migrate(connection)
