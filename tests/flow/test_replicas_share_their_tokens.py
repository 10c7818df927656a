"""Replicas with one PostgreSQL database need one grant for all; without the database each goes on by itself."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from proxy.store.postgres.database import QUICK, Database
from tests.cases import cases
from tests.fakes.postgres import PASSWORD, PostgresServer
from tests.fakes.sender import request
from tests.fakes.voiding_tenant import VoidingTenant
from tests.flow.running import Document, Running, Serve, until

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.usefixtures("patient")]

Replicas = Callable[..., Awaitable[list[Running]]]


@pytest.fixture
async def void() -> AsyncIterator[VoidingTenant]:
    """Each of its grants voids the token before."""
    async with VoidingTenant() as started:
        yield started


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """It runs again after the test."""
    yield postgres_server
    postgres_server.stop()
    postgres_server.start()


@pytest.fixture
def settings_of(postgres_server: PostgresServer, database: str, void: VoidingTenant, tmp_path: Path) -> Document:
    """One Neo client and the store."""
    keys_file = tmp_path / "store-keys"
    keys_file.write_bytes(new_key())
    client = {"token_url": f"{void.url}/oauth2/api/v1/token", "client_id": "id", "client_secret": "cAnArySecret"}
    return {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "via": "here",
        "log": {"level": "debug"},
        "oauth_clients": {"orders": {**client, "provider": "neo"}},
        "routes": [{"path": "/orders", "upstream": f"{void.url}/http/orders", "oauth_client": "orders"}],
        "store": {
            "postgres": postgres_server.url(database),
            "password_file": str(postgres_server.password_file),
            "keys_file": str(keys_file),
        },
    }


@pytest.fixture
def replicas(serve: Serve, settings_of: Document) -> Replicas:
    """Starts replicas, with deviations."""

    async def started(count: int, **store: object) -> list[Running]:
        document = settings_of | {"store": settings_of["store"] | store}
        return [await serve(document) for _ in range(count)]

    return started


def new_key() -> bytes:
    """A line of a keys file."""
    return base64.b64encode(os.urandom(32)) + b"\n"


async def send(replica: Running, body: bytes = b"<x/>") -> int:
    """One message; the status of its answer."""
    return (await replica.ask(request(b"POST /orders", body=body))).status


def up(replica: Running) -> bool:
    """Whether its store is up."""
    store = replica.app.state().store
    return store is not None and store.up


async def test_four_replicas_make_one_grant(replicas: Replicas, void: VoidingTenant) -> None:
    """However many messages are first."""
    four = await replicas(4)
    assert await asyncio.gather(*(send(each) for each in four * 5)) == [200] * 20
    assert (void.grants, void.refused) == (1, 0)
    taken = [line for each in four for line in each.lines.named("token.taken_over")]
    assert len(taken) == 3


async def test_a_restarted_replica_needs_no_grant(replicas: Replicas, void: VoidingTenant) -> None:
    """A rolling update voids nobody's token."""
    (first,) = await replicas(1)
    await send(first)
    (second,) = await replicas(1)
    assert (await send(second), await send(first)) == (200, 200)
    assert (void.grants, void.refused) == (1, 0)


async def test_a_void_token_is_replaced_once(replicas: Replicas, void: VoidingTenant) -> None:
    """By one of them."""
    four = await replicas(4)
    await asyncio.gather(*map(send, four))
    four[0].clock.advance(60)
    void.void()
    assert await asyncio.gather(*(send(each) for each in four * 3)) == [200] * 12
    assert void.grants == 3  # the first, the foreign one, and one more


async def test_a_refused_grant_is_not_repeated_by_others(replicas: Replicas, void: VoidingTenant) -> None:
    """All of them say why."""
    void.rejects = True
    first, second = await replicas(2)
    assert (await send(first), await send(second)) == (502, 502)
    assert void.grants == 1
    details = [line["detail"] for each in (first, second) for line in each.lines.named("token.grant_failed")]
    assert details[0] == details[1]


async def test_a_fresh_token_costs_nothing(
    replicas: Replicas, void: VoidingTenant, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No operation in the database."""
    operations: list[object] = []
    run = Database.run

    async def counted(self: Database, operation: object, **options: object) -> object:
        operations.append(operation)
        return await run(self, operation, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "run", counted)
    (replica,) = await replicas(1)
    await send(replica)
    before = len(operations)
    assert before
    server.pause()
    assert [await send(replica) for _ in range(50)] == [200] * 50
    server.resume()
    assert (len(operations), void.grants) == (before, 1)


def test_no_message_waits_long_for_the_database() -> None:
    """A tenth of a second."""
    assert QUICK == 0.1


@cases("how", "stopped", "paused")
async def test_without_its_database_a_replica_makes_its_own_grant(
    replicas: Replicas, void: VoidingTenant, server: PostgresServer, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so once, and shares again later."""
    (replica,) = await replicas(1)
    assert up(replica)
    await asyncio.to_thread(server.stop if how == "stopped" else server.pause)
    with monkeypatch.context() as patched:
        patched.setattr(replica.app._resources.store._database, "_within", QUICK)  # type: ignore[union-attr]
        assert await send(replica) == 200
    await replica.lines.reach("store.unreachable", 1)
    assert not up(replica)
    assert "cpi_proxy_store_up 0.0" in (await replica.ask_admin("/metrics"))[1]
    assert (await replica.ask_admin("/readyz"))[0] == 200
    await asyncio.to_thread(server.start if how == "stopped" else server.resume)
    await replica.lines.reach("store.reachable", 2)
    assert len(replica.lines.named("store.unreachable")) == 1
    assert "cpi_proxy_store_up 1.0" in (await replica.ask_admin("/metrics"))[1]
    assert void.grants == 1


async def test_a_replica_starts_without_its_database(
    replicas: Replicas, void: VoidingTenant, server: PostgresServer
) -> None:
    """It shares as soon as it can."""
    await asyncio.to_thread(server.stop)
    (replica,) = await replicas(1)
    assert await send(replica) == 200
    await asyncio.to_thread(server.start)
    await until(lambda: up(replica))
    assert void.grants == 1


async def test_nothing_secret_is_in_the_database(
    replicas: Replicas, void: VoidingTenant, server: PostgresServer, tmp_path: Path
) -> None:
    """Neither in its tables nor in its logs."""
    (replica,) = await replicas(1)
    await send(replica)
    void.rejects = True
    void.void()
    replica.clock.advance(60)
    assert await send(replica) == 502
    await asyncio.to_thread(server.sql, "CHECKPOINT")
    key = base64.b64decode((tmp_path / "store-keys").read_bytes())
    secrets = [b"cAnArySecret", b"cAnAryT0ken", key, base64.b64encode(key), PASSWORD.encode()]
    found = await asyncio.to_thread(lambda: [each for each in server.folder.rglob("*") if holds(each, secrets)])
    assert found == [server.password_file]


def holds(path: Path, secrets: list[bytes]) -> bool:
    """Whether a file has one of them."""
    if not path.is_file():
        return False
    content = path.read_bytes()
    return any(each in content for each in secrets)


async def test_keys_are_rotated_while_replicas_run(
    replicas: Replicas, void: VoidingTenant, tmp_path: Path, settings_of: Document, serve: Serve
) -> None:
    """Each step is read from the file, and costs no grant."""
    (replica,) = await replicas(1)
    await send(replica)
    file = tmp_path / "store-keys"
    old, new = file.read_bytes(), new_key()
    for count, content in enumerate((old + new, new + old, new), start=1):
        file.write_bytes(content)
        await replica.app._resources.store._watcher.look()  # type: ignore[union-attr]
        await replica.lines.reach("store.keys_changed", count)
        assert up(replica)
    later = await serve(settings_of)
    assert (up(later), await send(later)) == (True, 200)
    # the token itself was encrypted with the key that is gone: one grant, as after a 401
    assert void.grants == 2
    assert replica.lines.named("store.key_unknown") == []


async def test_a_replica_with_a_foreign_key_goes_on_by_itself(
    replicas: Replicas, void: VoidingTenant, tmp_path: Path
) -> None:
    """Its log and its metric say so."""
    foreign_keys = tmp_path / "foreign-keys"
    foreign_keys.write_bytes(new_key())
    (first,) = await replicas(1)
    await send(first)
    (foreign,) = await replicas(1, keys_file=str(foreign_keys))
    assert await send(foreign) == 200
    assert len(foreign.lines.named("store.key_unknown")) == 1
    assert "cpi_proxy_store_up 0.0" in (await foreign.ask_admin("/metrics"))[1]
    assert void.grants == 2


async def test_the_keys_file_can_be_another_and_the_database_cannot(
    replicas: Replicas, tmp_path: Path, settings_of: Document
) -> None:
    """Another database needs a restart."""
    (replica,) = await replicas(1)
    other = tmp_path / "other-keys"
    other.write_bytes(new_key() + (tmp_path / "store-keys").read_bytes())
    store = settings_of["store"]
    await replica.reload(settings_of | {"store": store | {"keys_file": str(other)}})
    await replica.lines.reach("store.keys_changed", 1)
    assert up(replica)
    with pytest.raises(ValueError, match="`store` cannot change while the proxy runs"):
        await replica.reload(settings_of | {"store": store | {"postgres": "postgresql://other@127.0.0.1/other"}})
