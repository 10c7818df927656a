"""Large bodies in the database: none is left over, and none is taken away that somebody still needs."""

import pytest

from proxy.errors import OutboxUnavailable
from proxy.outbox.message import StoredBody
from proxy.outbox.postgres.bodies import ABANDONED, SWEPT_AT_A_TIME
from proxy.outbox.postgres.store import PostgresOutbox
from tests.fakes.database_clock import DatabaseClock
from tests.unit.outbox.postgres.conftest import Replica, Session
from tests.unit.outbox.store_contract import LARGE, NOW, accept, octets, take, taken

pytestmark = pytest.mark.needs("postgresql")


class TornBody(StoredBody):
    """Its sender goes away after a piece."""

    size = len(LARGE)

    async def read(self, at: int) -> bytes:
        """The first piece."""
        return LARGE[:300_000] if at == 0 else b""


async def kept(session: Session) -> tuple[int, int]:
    """How many bodies there are, and how many are loose."""
    ((pieces,),) = await session.run("SELECT count(DISTINCT body) FROM cpi_proxy_outbox_pieces")
    ((loose,),) = await session.run("SELECT count(*) FROM cpi_proxy_outbox_loose")
    return int(pieces), int(loose)


async def test_a_body_that_was_cut_is_swept_later(replica: Replica, clock: DatabaseClock, session: Session) -> None:
    """After an hour, by any replica."""
    async with replica() as store, replica() as other:
        with pytest.raises(OutboxUnavailable, match="cut"):
            await accept(store, body=TornBody())
        whole = await accept(store, body=LARGE)
        assert await kept(session) == (2, 1)
        clock.advance(ABANDONED)
        assert not await other._bodies.sweep()
        assert await kept(session) == (2, 1)
        clock.advance(1)
        assert not await other._bodies.sweep()
        assert await kept(session) == (1, 0)
        (found,) = await take(store, clock.wall())
        assert (found.id, await octets(found.body)) == (whole, LARGE)


async def test_many_bodies_are_swept_a_few_at_a_time(
    store: PostgresOutbox, clock: DatabaseClock, session: Session
) -> None:
    """Two that sweep do not wait for each other."""
    await store._waking.close()
    await store._database._calls.ended()  # the look at the start would sweep as well
    await session.run(
        f"INSERT INTO cpi_proxy_outbox_loose SELECT n, {NOW} FROM generate_series(1, {SWEPT_AT_A_TIME + 2}) AS n",
        "INSERT INTO cpi_proxy_outbox_pieces SELECT body, 0, '' FROM cpi_proxy_outbox_loose",
    )
    clock.advance(ABANDONED + 1)
    await session.run("BEGIN", "SELECT FROM cpi_proxy_outbox_loose WHERE body = '1' FOR UPDATE")
    assert await store._bodies.sweep()
    assert not await store._bodies.sweep()
    assert await kept(session) == (1, 1)
    await session.run("COMMIT")


async def test_a_body_that_was_swept_meanwhile_is_not_promised(
    store: PostgresOutbox, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender sends it again."""
    seal = store._sealing.seal

    async def slow(*arguments: object, **named: object) -> object:
        sealed = await seal(*arguments, **named)  # type: ignore[arg-type]
        await session.run(f"UPDATE cpi_proxy_outbox_loose SET since = since - {ABANDONED + 1}")
        await store._bodies.sweep()
        return sealed

    monkeypatch.setattr(store._sealing, "seal", slow)
    with pytest.raises(OutboxUnavailable, match="took too long"):
        await accept(store, body=LARGE)
    assert await store.routes() == []


async def test_a_look_now_and_then_sweeps(replica: Replica, clock: DatabaseClock, session: Session) -> None:
    """Until nothing is left."""
    async with replica():
        await session.run(
            f"INSERT INTO cpi_proxy_outbox_loose SELECT n, {NOW} FROM generate_series(1, {2 * SWEPT_AT_A_TIME}) AS n"
        )
    clock.advance(ABANDONED + 1)
    async with replica():
        while (await kept(session))[1]:
            pass


async def test_the_body_of_a_delivered_message_is_gone(store: PostgresOutbox, session: Session) -> None:
    """Without a sweep."""
    delivered, discarded = [await accept(store, body=LARGE) for _ in range(2)]
    await taken(store, most=1)
    await store.delivered(delivered)
    await store.discard(discarded)
    await store._tasks.ended()
    assert await kept(session) == (0, 0)
