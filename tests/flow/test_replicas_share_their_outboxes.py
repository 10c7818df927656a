"""Replicas with one PostgreSQL database share their outboxes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import pytest

from proxy.store.postgres import connecting
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.postgres import PostgresServer
from tests.fakes.upstream import Upstream, answer
from tests.flow.outbox import KEY, accepted, delivered, died, outbox_document, posted, store_of
from tests.flow.running import Running, Serve, until
from tests.flow.test_replicas_share_their_tokens import holds

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.usefixtures("patient")]

Replicas = Callable[..., Awaitable[list[Running]]]


@pytest.fixture
def replicas(
    serve: Serve,
    postgres_server: PostgresServer,
    database: str,
    upstream: Upstream,
    authority: AuthorizationServer,
    tmp_path: Path,
) -> Replicas:
    """Starts replicas with options of their outbox."""
    (tmp_path / "keys").write_text(KEY)
    store = {
        "postgres": postgres_server.url(database),
        "password_file": str(postgres_server.password_file),
        "keys_file": str(tmp_path / "keys"),
    }

    async def started(count: int, **outbox: object) -> list[Running]:
        document = outbox_document(upstream, authority, tmp_path, **outbox) | {"store": store}
        return [await serve(document) for _ in range(count)]

    return started


async def test_a_message_is_delivered_once_by_whichever_replica(replicas: Replicas, upstream: Upstream) -> None:
    """Though both look for it."""
    one, other = await replicas(2)
    await store_of(one).hold("orders")
    ids = {await accepted(each, posted(b"%d" % number)) for number, each in enumerate((one, other) * 5)}
    await store_of(other).resume("orders")

    def sent() -> list[str]:
        return [each["id"] for replica in (one, other) for each in replica.lines.named("message.delivered")]

    await until(lambda: len(sent()) >= len(ids))
    assert set(sent()) == ids
    assert sorted(bytes(each.body) for each in upstream.requests) == [b"%d" % number for number in range(10)]
    assert await store_of(one).routes() == []


async def test_another_replica_delivers_what_one_that_stopped_has_left(replicas: Replicas, upstream: Upstream) -> None:
    """It was deferred there."""
    one, other = await replicas(2)
    upstream.script.appendleft(answer(503))
    id_ = await accepted(one)
    await until(lambda: bool(one.lines.named("message.deferred") or other.lines.named("message.deferred")))
    await one.stop()
    await store_of(other).retry(id_, other.clock.wall())
    await delivered(other)
    assert len(upstream.requests) == 2


async def test_without_the_database_senders_are_told_so(replicas: Replicas, postgres_server: PostgresServer) -> None:
    """The outage is in the log once."""
    (replica,) = await replicas(1)
    await store_of(replica).hold("orders")
    await accepted(replica)
    await store_of(replica).resume("orders")
    await delivered(replica)
    await asyncio.to_thread(postgres_server.stop)
    try:
        told = await replica.ask(posted())
        assert told.status == 503
        assert b"outbox_unavailable" in told.body
        assert told.field(b"Retry-After")
    finally:
        await asyncio.to_thread(postgres_server.start)
    await replica.lines.reach("store.reachable", 2)
    assert len(replica.lines.named("store.unreachable")) == 1
    await accepted(replica)
    await delivered(replica, 2)


async def test_a_lock_of_others_is_told_to_senders(
    replicas: Replicas, postgres_server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 503, once in the log, and no outage."""
    (first,) = await replicas(1)
    await first.stop()  # the tables are there
    monkeypatch.setattr(connecting, "SESSION", connecting.SESSION.replace("'2s'", "'10ms'"))
    (replica,) = await replicas(1)
    other = await psycopg.AsyncConnection.connect(postgres_server.socket_url(database))
    async with other:
        await other.execute("LOCK TABLE cpi_proxy_outbox_routes")
        told = await replica.ask(posted())
        assert told.status == 503
        assert b"outbox_unavailable" in told.body
        assert b"Nothing was accepted" in told.body
        assert told.field(b"Retry-After")
    await accepted(replica)
    await delivered(replica)
    assert len(replica.lines.named("store.busy")) == 1
    assert replica.lines.named("store.unreachable") == []


async def test_nothing_of_a_message_is_in_the_database(
    replicas: Replicas, postgres_server: PostgresServer, upstream: Upstream
) -> None:
    """Neither in its tables nor in its logs."""
    (replica,) = await replicas(1, order={"field": "X-Order"}, message_id={"field": "X-Id"})
    upstream.script.extendleft(answer(400) for _ in range(2))
    fields = (b"X-Order: cAnAry-order", b"X-Id: cAnAry-id", b"X-Other: cAnAry-field")
    await accepted(replica, posted(b"cAnAry-body", *fields, start=b"POST /orders/cAnAry-path"))
    await died(replica)
    large = b"cAnAry-large" * 10_000
    await accepted(replica, posted(large, b"X-Id: cAnAry-other", start=b"POST /orders?q=cAnAry-query"))
    await died(replica, 2)
    await asyncio.to_thread(postgres_server.sql, "CHECKPOINT")
    found = await asyncio.to_thread(
        lambda: [each for each in postgres_server.data.rglob("*") if holds(each, [b"cAnAry-"])]
    )
    assert found == []
