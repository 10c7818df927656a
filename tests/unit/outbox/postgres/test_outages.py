"""A database that is away: senders are told so, nothing is lost, and what was promised is promised once."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import transaction

from proxy.errors import OutboxFull, OutboxUnavailable
from proxy.outbox.postgres.batches import WITHIN
from proxy.outbox.postgres.store import PostgresOutbox
from proxy.store.keys import parse_keys
from proxy.store.postgres import connecting
from tests.cases import cases
from tests.fakes.postgres import PostgresServer
from tests.unit.outbox.postgres.conftest import Replica
from tests.unit.outbox.store_contract import LARGE, NOW, accept, message, octets, take, taken
from tests.unit.store.test_keys import OLD, ROTATED

pytestmark = pytest.mark.needs("postgresql")

FOREIGN = parse_keys(base64.b64encode(b"f" * 32))


@pytest.fixture
def server_again(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """It runs again after the test."""
    yield postgres_server
    postgres_server.stop()
    postgres_server.start()


async def test_without_the_database_nothing_is_accepted(store: PostgresOutbox, server_again: PostgresServer) -> None:
    """Every call says so."""
    await accept(store)
    await asyncio.to_thread(server_again.stop)
    for _ in range(2):
        with pytest.raises(OutboxUnavailable) as caught:
            await accept(store)
        assert caught.value.retry_after
    with pytest.raises(OutboxUnavailable):
        await accept(store, body=LARGE)
    for call in (store.routes(), store.take("orders", most=1, now=NOW), store.retry("x", NOW), store.hold("orders")):
        with pytest.raises(OutboxUnavailable, match="cannot be used now"):
            await call


def test_senders_do_not_wait_long() -> None:
    """For a database that does not answer."""
    assert WITHIN <= 3


class CutAtCommit:
    """Before the server has heard of it, or after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
        self.armed = False
        self._after = after
        commit = transaction.AsyncTransaction._commit_gen

        def cut(this: Any) -> Any:
            if not self.armed:
                return (yield from commit(this))
            self.armed = False
            if self._after:
                yield from commit(this)
            connecting.cut(this.connection)
            return (yield from this.connection._exec_command(b"SELECT 1"))

        monkeypatch.setattr(transaction.AsyncTransaction, "_commit_gen", cut)


@cases("after", {"not committed": False, "committed": True})
async def test_a_commit_whose_answer_was_lost_is_not_promised(
    replica: Replica,
    monkeypatch: pytest.MonkeyPatch,
    after: bool,
) -> None:
    """Repeated with its id it is kept once."""
    given: dict[str, Any] = {"sender_id": b"id", "remember": 60.0, "content_hash": b"hash", "body": LARGE}
    cut = CutAtCommit(monkeypatch, after=after)
    async with replica() as store:
        await accept(store, route="before")
        sealed = store._sealing.seal

        async def sealing(*arguments: Any, **named: Any) -> Any:
            found = await sealed(*arguments, **named)
            cut.armed = True
            return found

        monkeypatch.setattr(store._sealing, "seal", sealing)
        with pytest.raises(OutboxUnavailable, match="Nobody knows whether the message was accepted"):
            await accept(store, **given)
    async with replica() as again:
        told = await again.accept(message(**given), max_messages=9, max_bytes=1 << 30)
        assert told.is_new is not after
        (found,) = await take(again)
        assert (found.id, await octets(found.body)) == (told.id, LARGE)


async def test_a_replica_with_foreign_keys_accepts_and_takes_nothing(replica: Replica) -> None:
    """Nobody else could read it."""
    async with replica() as right, replica(keys=FOREIGN) as foreign:
        id_ = await accept(right)
        with pytest.raises(OutboxUnavailable, match=r"store\.keys_file"):
            await accept(foreign)
        with pytest.raises(OutboxUnavailable):
            await take(foreign)
        assert await taken(right) == [id_]


async def test_a_message_of_a_key_that_another_replica_has_waits_for_it(replica: Replica) -> None:
    """Keys are rotated one replica at a time."""
    async with replica(keys=OLD) as old, replica(keys=ROTATED) as new:
        id_ = await accept(new)
        assert await taken(old) == []
        assert (await old.next_due("orders")) == NOW + 60
        assert await taken(new, now=NOW + 60) == [id_]


async def test_a_full_disk_of_the_database_is_a_full_outbox(
    store: PostgresOutbox, postgres_server: PostgresServer, database: str
) -> None:
    """It goes on when there is room."""
    postgres_server.sql(
        """
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON cpi_proxy_outbox_messages EXECUTE FUNCTION full_disk();
        """,
        database,
    )
    with pytest.raises(OutboxFull, match="disk"):
        await accept(store)
    postgres_server.sql("DROP TRIGGER full_disk ON cpi_proxy_outbox_messages", database)
    assert await accept(store)
