"""`doctor` about the store."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from proxy.config.load import load
from proxy.store.postgres import migrations
from proxy.store.postgres.connecting import Connection, Server, connect, current
from proxy.store.postgres.migrations import migrate
from proxy.store.postgres.names import NameKey
from proxy.trial.checks import run_in_order
from proxy.trial.store import StoreExamination, store_examination
from tests.fakes.postgres import PostgresServer
from tests.fakes.token_store import KEY, OTHER_KEY, keys

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture
def server(postgres_server: PostgresServer, database: str) -> Server:
    """With the new database."""
    return Server(postgres_server.url(database), postgres_server.password_file)


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    """With one."""
    path = tmp_path / "keys"
    path.write_bytes(KEY)
    return path


async def used(server: Server) -> None:
    """By a replica: tables and name key."""
    connection = await connect(await asyncio.to_thread(current, server))
    await migrate(connection)
    await NameKey(keys, rejected=lambda error: pytest.fail(str(error))).load(connection)
    await connection.close()


async def examined(server: Server, keys_file: Path) -> list[str]:
    """One a line."""
    examination = StoreExamination(server, keys_file)
    found = [f"{name} {result.status}: {result.detail}" async for name, result in run_in_order(examination.checks())]
    await examination.close()
    return found


async def test_a_new_database_is_fine(server: Server, keys_file: Path) -> None:
    """Nothing is made."""
    for _ in range(2):
        found = await examined(server, keys_file)
        assert found[0].startswith("connection ok: PostgreSQL ")
        assert found[1:] == [
            "tables ok: not there yet; the first start makes them",
            "key ok: 1 in `keys_file`; the first one encrypts",
            "LISTEN ok: changes of other replicas are notified",
        ]


async def test_the_other_replicas_keys_are_compared(server: Server, keys_file: Path) -> None:
    """A foreign one fails, with its meaning."""
    await used(server)
    assert (await examined(server, keys_file))[1:3] == [
        f"tables ok: version {migrations.VERSION}",
        "key ok: `keys_file` is that of the other replicas",
    ]
    keys_file.write_bytes(OTHER_KEY)
    found = await examined(server, keys_file)
    assert found[2].startswith("key failed: `keys_file` is not that of the other replicas")
    assert found[3] == "LISTEN skipped: not checked, because key failed"


async def test_tables_of_a_newer_proxy_are_a_failure(
    server: Server, keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy refuses them too."""
    await used(server)
    monkeypatch.setattr(migrations, "VERSION", 0)
    assert "tables failed" in (await examined(server, keys_file))[1]


async def test_a_database_that_cannot_be_reached_is_a_failure(server: Server, keys_file: Path) -> None:
    """With libpq's reason."""
    away = dataclasses.replace(server, url="postgresql://proxy@127.0.0.1:1/x")
    (first, *rest) = await examined(away, keys_file)
    assert first.startswith("connection failed: The store cannot be used: ")
    assert all("skipped" in each for each in rest)


async def test_notifications_that_do_not_arrive_are_a_warning(
    server: Server, keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sharing works."""

    async def never(listener: Connection, speaker: Connection) -> bool:
        del listener, speaker
        return False

    monkeypatch.setattr("proxy.trial.store.listens", never)
    assert (await examined(server, keys_file))[3].startswith("LISTEN warning: notifications do not arrive")


def test_without_a_store_there_is_nothing_to_examine() -> None:
    """The caller asks first."""
    configuration = load(Path(__file__).parents[3] / "config/minimal.yaml", {"CPI_CLIENT_SECRET": "s"})
    with pytest.raises(ValueError, match=r"needs store\.keys_file"):
        store_examination(configuration)
