"""Replicas share tokens and outboxes also where PgBouncer gives each transaction another session of the database."""

from pathlib import Path

import pytest

from proxy.store.postgres import database as database_module
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.pgbouncer import PgBouncer
from tests.fakes.postgres import PostgresServer
from tests.fakes.upstream import Upstream, answer
from tests.flow.outbox import KEY, accepted, outbox_document, posted, store_of
from tests.flow.running import Serve, until

pytestmark = pytest.mark.needs("postgresql", "pgbouncer")


async def test_all_is_shared_without_notifications(
    serve: Serve,
    pooler: PgBouncer,
    postgres_server: PostgresServer,
    database: str,
    upstream: Upstream,
    authority: AuthorizationServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The replicas say that they look."""
    monkeypatch.setattr(database_module, "QUICK", 10.0)  # a busy machine is no outage
    (tmp_path / "keys").write_text(KEY)
    store = {
        "postgres": pooler.url(database),
        "password_file": str(postgres_server.password_file),
        "keys_file": str(tmp_path / "keys"),
    }
    document = outbox_document(upstream, authority, tmp_path) | {"store": store}
    one, other = [await serve(document) for _ in range(2)]
    await store_of(one).hold("orders")
    ids = [await accepted(each, posted(b"%d" % number)) for number, each in enumerate((one, other) * 3)]
    large = await accepted(one, posted(bytes(100_000)))
    upstream.script.appendleft(answer(400))
    await store_of(other).resume("orders")

    def ended() -> list[str]:
        events = [(each, f"message.{how}") for each in (one, other) for how in ("delivered", "died")]
        return [line["id"] for each, event in events for line in each.lines.named(event)]

    await until(lambda: len(ended()) == len(ids) + 1)
    assert sorted(ended()) == sorted([*ids, large])
    assert len(upstream.requests) == len(ids) + 1
    assert len(authority.requests) == 1
    (dead,) = await store_of(one).messages(route=None, state=None, limit=9, after=None)
    await store_of(one).retry(dead.id, one.clock.wall())
    await until(lambda: len(upstream.requests) == len(ids) + 2)
    assert [each.lines.named("store.reachable")[0]["listening"] for each in (one, other)] == [False, False]
