"""Nothing begins after a route was held, also where the attempt and the person are at it in the same moment."""

import asyncio

import pytest

from proxy.outbox.postgres import batches
from proxy.outbox.postgres import store as store_module
from proxy.outbox.postgres.store import PostgresOutbox
from proxy.outbox.store import RouteHeld
from tests.unit.oauth.world import Lines
from tests.unit.outbox.postgres.conftest import Replica, Session
from tests.unit.outbox.store_contract import NOW, accept, taken

pytestmark = pytest.mark.needs("postgresql")

GATE = 1
LATE = f"""
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_query() LIKE '%attempts + 1%' THEN PERFORM pg_advisory_xact_lock({GATE}); END IF;
    RETURN NULL;
END $$
"""
"What an attempt sees is fixed when its statement begins; this is called before it changes anything."


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a busy machine."""
    for module in (batches, store_module):
        monkeypatch.setattr(module, "WITHIN", 60.0)


async def attempts(session: Session) -> list[int]:
    """Of each message."""
    return [number for (number,) in await session.run("SELECT attempts FROM cpi_proxy_outbox_messages ORDER BY seq")]


async def test_an_attempt_that_has_not_seen_the_hold_does_not_begin(
    store: PostgresOutbox, session: Session, lines: Lines
) -> None:
    """What it had is free again."""
    id_ = await accept(store)
    await taken(store)
    await session.run(
        LATE,
        "CREATE TRIGGER late BEFORE UPDATE ON cpi_proxy_outbox_messages FOR EACH STATEMENT EXECUTE FUNCTION late()",
        f"SELECT pg_advisory_lock({GATE})",
    )
    beginning = asyncio.create_task(store.begin(id_, NOW))
    while not await session.waiting():
        pass
    await store.hold("orders")
    await session.run(f"SELECT pg_advisory_unlock({GATE})")
    with pytest.raises(RouteHeld):
        await beginning
    await store.release(id_)
    assert await attempts(session) == [0]
    assert lines.named("message.taken_over") == []
    await store.resume("orders")
    assert await taken(store) == [id_]


async def test_an_attempt_that_begins_first_is_waited_for(store: PostgresOutbox, session: Session) -> None:
    """Then the person is answered."""
    id_ = await accept(store)
    await taken(store)
    await session.run("BEGIN", "SELECT FROM cpi_proxy_outbox_messages FOR UPDATE")
    beginning = asyncio.create_task(store.begin(id_, NOW))
    while not await session.waiting():
        pass
    holding = asyncio.create_task(store.hold("orders"))
    while not holding.done() and await session.waiting() < 2:
        pass
    await session.run("ROLLBACK")
    await holding
    assert await attempts(session) == [1]
    await beginning
    await store.delivered(id_)
    assert [each.waiting for each in await store.routes()] == [0]


async def test_what_another_replica_has_taken_does_not_begin(replica: Replica, lines: Lines) -> None:
    """It goes back as if nothing had been."""
    async with replica() as one, replica() as other:
        id_ = await accept(one)
        begun = await accept(one)
        assert await taken(other) == [id_, begun]
        await other.begin(begun, NOW)
        await one.hold("orders")
        with pytest.raises(RouteHeld):
            await other.begin(id_, NOW)
        await other.release(id_)
        await other.delivered(begun)
        await one.resume("orders")
        assert await taken(one) == [id_]
        assert lines.named("message.taken_over") == []
