"""A database in which others hold locks for long: senders are told soon, and it is no outage."""

import pytest

from proxy.errors import OutboxUnavailable
from proxy.outbox.postgres.batches import WITHIN
from proxy.outbox.postgres.store import PostgresOutbox
from proxy.store.postgres import connecting, transactions
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.database import StoreBusy
from proxy.store.postgres.transactions import TRIES, rows, transact
from tests.cases import cases
from tests.unit.oauth.world import Lines
from tests.unit.outbox.postgres.conftest import Replica, Session
from tests.unit.outbox.store_contract import NOW, accept, taken

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits long for a lock."""
    monkeypatch.setattr(connecting, "SESSION", connecting.SESSION.replace("'2s'", "'100ms'"))


async def test_the_server_gives_up_waiting_before_we_do(store: PostgresOutbox) -> None:
    """And senders wait 3 s at most."""
    ((lock_timeout,),) = await transact(
        store._database, lambda connection: rows(connection, "SHOW lock_timeout"), within=WITHIN
    )
    assert lock_timeout == "2s"
    assert 2 < WITHIN <= 3


@pytest.mark.usefixtures("_short")
async def test_a_lock_of_others_is_told_and_no_outage(replica: Replica, session: Session, lines: Lines) -> None:
    """Afterwards all goes on."""
    async with replica() as store:
        id_ = await accept(store)
        await session.run("BEGIN", "LOCK TABLE cpi_proxy_outbox_routes, cpi_proxy_outbox_messages")
        with pytest.raises(OutboxUnavailable, match=r"lock timeout.*Nothing was accepted") as caught:
            await accept(store)
        assert caught.value.retry_after
        for call in (store.take("orders", most=1, now=NOW), store.discard(id_), store.hold("orders"), store.routes()):
            with pytest.raises(OutboxUnavailable, match="lock timeout"):
                await call
        await session.run("ROLLBACK")
        assert await taken(store) == [id_]
    assert [each["detail"] for each in lines.named("store.busy")] == [
        "The store is busy: canceling statement due to lock timeout."
    ]
    assert lines.named("store.unreachable") == []


@pytest.mark.usefixtures("_short")
async def test_a_message_that_another_holds_up_is_settled_later(replica: Replica, session: Session) -> None:
    """The lease stays."""
    async with replica() as store:
        id_ = await accept(store)
        await taken(store)
        await session.run("BEGIN", "SELECT FROM cpi_proxy_outbox_messages FOR UPDATE")
        for call in (store.begin(id_, NOW), store.delivered(id_)):
            with pytest.raises(OutboxUnavailable, match="lock timeout"):
                await call
        await session.run("ROLLBACK")
        await store.delivered(id_)
        assert await store.routes() == []


async def test_a_statement_that_takes_too_long_is_no_outage(store: PostgresOutbox, lines: Lines) -> None:
    """The server ends it first."""

    async def sleep(connection: Connection) -> None:
        await connection.execute("SET LOCAL statement_timeout = '10ms'")
        await connection.execute("SELECT pg_sleep(60)")

    with pytest.raises(StoreBusy, match="statement timeout"):
        await transact(store._database, sleep, within=60)
    assert store._database.is_up
    assert len(lines.named("store.busy")) == 1


@cases("shortest, tries", (0.0, TRIES), (60.0, 1))
async def test_what_was_in_the_way_of_another_is_tried_again(
    store: PostgresOutbox, session: Session, monkeypatch: pytest.MonkeyPatch, shortest: float, tries: int
) -> None:
    """All attempts together have the time of one."""
    monkeypatch.setattr(transactions, "SHORTEST", shortest)
    await session.run(
        "CREATE SEQUENCE tries",
        """CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM nextval('tries'); RAISE EXCEPTION 'in the way' USING ERRCODE = 'deadlock_detected'; END $$""",
        "CREATE TRIGGER deadlock BEFORE INSERT ON cpi_proxy_outbox_messages EXECUTE FUNCTION deadlock()",
    )
    with pytest.raises(OutboxUnavailable, match="in the way"):
        await accept(store)
    assert await session.run("SELECT last_value FROM tries") == [(tries,)]
    await session.run("DROP TRIGGER deadlock ON cpi_proxy_outbox_messages")
    assert await accept(store)


async def test_one_line_a_minute_tells_that_the_store_is_busy(store: PostgresOutbox, lines: Lines) -> None:
    """However many wait."""
    for number, at in enumerate((0.0, 59.0, 60.0)):
        store._database.busy(f"reason {number}", at=at)
    assert [each["detail"][-9:] for each in lines.named("store.busy")] == ["reason 0.", "reason 2."]
