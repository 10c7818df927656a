"""The database as long as the process runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest

from proxy.store.postgres import database as module
from proxy.store.postgres.connecting import Connection, Server
from proxy.store.postgres.database import Database
from proxy.store.postgres.notifications import PING, listens
from proxy.store.tokens import StoreUnreachable
from proxy.wire.coroutine_runner import CoroutineRunner
from tests.fakes.postgres import PostgresServer
from tests.fakes.upstream import PATIENCE
from tests.unit.oauth.world import Lines
from tests.unit.store.postgres.conftest import Connect

pytestmark = pytest.mark.needs("postgresql")


class Opened:
    """A database with a failure to switch on."""

    def __init__(self, server: Server) -> None:
        self.log, self.pauses = Lines(), list[float]()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.error: Exception | None = None
        self.database = Database(server, (self.prepare,), log=self.log, within=10, sleep=self.sleep, random=lambda: 0.0)

    async def prepare(self, connection: Connection) -> None:
        """Fail if a test wants it."""
        del connection
        if self.error is not None:
            raise self.error

    async def sleep(self, seconds: float) -> None:
        """Until the test lets it go on."""
        if seconds == PING:
            await asyncio.Event().wait()
        self.pauses.append(seconds)
        await asyncio.sleep(0)
        await self.go_on.wait()


@pytest.fixture
async def opened(server: Server) -> AsyncIterator[Opened]:
    """A database that is open."""
    each = Opened(server)
    await each.database.start(10)
    assert each.database.is_up
    yield each
    await each.database.close()


async def select(connection: Connection) -> object:
    """The number one."""
    return await (await connection.execute("SELECT 1")).fetchone()


async def until(fact: Callable[[], object]) -> None:
    """Turn the event loop until it holds."""
    async with asyncio.timeout(30):
        while not fact():  # noqa: ASYNC110 - there is no event for what is deep inside
            await asyncio.sleep(0.001)  # the database needs the processor


async def test_an_operation_returns_what_it_returns(opened: Opened) -> None:
    """On a connection of the pool."""
    assert await opened.database.run(select) == (1,)
    assert (opened.database.listening, opened.database.reason) == (True, None)


async def test_an_operation_of_a_cancelled_caller_goes_on(opened: Opened) -> None:
    """Closing waits for it."""
    done = asyncio.Event()

    async def work(connection: Connection) -> None:
        await select(connection)
        done.set()

    task = asyncio.create_task(opened.database.run(work))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.wait_for(done.wait(), 10)


async def test_what_takes_too_long_closes_the_database_for_all(opened: Opened) -> None:
    """Until it is opened again."""
    opened.go_on.clear()

    async def hang(connection: Connection) -> None:
        await connection.execute("SELECT pg_sleep(60)")

    with pytest.raises(StoreUnreachable, match=r"did not answer within 0\.02 s"):
        await opened.database.run(hang, within=0.02)
    with pytest.raises(StoreUnreachable, match=r"did not answer within 0\.02 s"):
        await opened.database.run(select)
    await until(lambda: opened.pauses)
    opened.go_on.set()
    await until(lambda: opened.database.is_up)
    assert await opened.database.run(select) == (1,)
    assert len(opened.log.named("store.unreachable")) == 1
    assert len(opened.log.named("store.reachable")) == 2


async def test_what_waits_for_a_connection_is_given_up_as_well(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """All connections may be busy."""
    monkeypatch.setattr(module, "TURNS", 0)
    hold = asyncio.Event()

    async def busy(connection: Connection) -> None:
        del connection
        await hold.wait()

    tasks = [asyncio.create_task(opened.database.run(busy)) for _ in range(module.MOST)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnreachable):
        await opened.database.run(select, within=0.02)
    hold.set()
    await asyncio.wait(tasks)


async def test_an_error_of_the_server_closes_the_database(opened: Opened) -> None:
    """Opening it anew tells more."""
    opened.go_on.clear()

    async def wrong(connection: Connection) -> None:
        await connection.execute("SELECT missing FROM nowhere")

    with pytest.raises(StoreUnreachable, match="does not exist"):
        await opened.database.run(wrong)
    assert not opened.database.is_up


async def test_an_error_of_ours_is_raised(opened: Opened) -> None:
    """It says nothing about the database."""

    async def wrong(connection: Connection) -> None:
        del connection
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await opened.database.run(wrong)
    assert opened.database.is_up


async def test_the_pauses_grow_and_one_line_tells_of_an_outage(opened: Opened, postgres_server: PostgresServer) -> None:
    """Whatever prevents the opening."""
    opened.error = psycopg.OperationalError("no")
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'proxy'"
    await asyncio.to_thread(postgres_server.sql, ended)
    await until(lambda: len(opened.pauses) >= 8)
    assert opened.pauses[:8] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert len(opened.log.named("store.unreachable")) == 1
    opened.error = None
    await until(lambda: opened.database.is_up)


async def test_a_start_without_a_database_ends() -> None:
    """The reason is told once."""
    each = Opened(Server("postgresql://proxy@127.0.0.1:1/x"))
    each.go_on.clear()
    await each.database.start(10)
    assert not each.database.is_up
    with pytest.raises(StoreUnreachable, match=r"(?i)connection refused"):
        await each.database.run(select)
    assert len(each.log.named("store.unreachable")) == 1
    await each.database.close()


async def test_a_database_that_was_never_started_can_be_closed(server: Server) -> None:
    """And nothing runs on it."""
    database = Database(server, (), log=Lines())
    with pytest.raises(StoreUnreachable, match="not opened yet"):
        await database.run(select)
    await database.close()


async def test_a_stop_closes_what_an_outage_has_not_closed_yet(server: Server) -> None:
    """The workers of its pool may ignore a cancellation."""
    for turns in range(12):
        each = Opened(server)
        await each.database.start(10)
        assert each.database._opened is not None
        pool = each.database._opened.pool
        with pytest.raises(StoreUnreachable):
            await each.database.run(lambda connection: connection.execute("SELECT pg_sleep(60)"), within=0.02)
        for _ in range(turns):
            await asyncio.sleep(0)
        await each.database.close()
        assert pool.closed


async def test_what_runs_without_a_task_does_not_wait_for_ever_either(opened: Opened) -> None:
    """As exchanges and deliveries do."""
    ended: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    async def exchange() -> None:
        await opened.database.run(lambda connection: connection.execute("SELECT pg_sleep(60)"), within=0.02)

    CoroutineRunner(exchange(), ended.set_result).start()
    async with asyncio.timeout(PATIENCE):
        assert isinstance(await ended, StoreUnreachable)


async def test_a_start_does_not_wait_for_ever(server: Server, postgres_server: PostgresServer) -> None:
    """A silent server holds up no stop either."""
    postgres_server.pause()
    try:
        each = Opened(server)
        await each.database.start(0.05)
        assert not each.database.is_up
        await each.database.close()
    finally:
        postgres_server.resume()


async def test_notifications_that_do_not_arrive_are_found_out(
    connecting: Connect, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler: LISTEN is accepted."""
    other = await connecting(Server(postgres_server.url("postgres"), postgres_server.password_file))
    speaker = await connecting()
    with monkeypatch.context() as patched:
        patched.setattr("proxy.store.postgres.notifications.ARRIVAL", 0.01)
        assert not await listens(other, speaker)
    assert await listens(await connecting(), speaker)


async def test_a_database_without_listen_is_found_out(connecting: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some imitations have none."""
    monkeypatch.setattr("proxy.store.postgres.notifications.LISTEN", "LISTENS TO nothing")
    assert not await listens(await connecting(), await connecting())


async def test_without_notifications_the_database_is_tried_from_time_to_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage is noticed."""

    async def never(listener: Connection, speaker: Connection) -> bool:
        del listener, speaker
        return False

    monkeypatch.setattr(module, "listens", never)
    each = Opened(server)
    monkeypatch.setattr(module, "PING", -1)
    await each.database.start(10)
    assert (each.database.is_up, each.database.listening) == (True, False)
    await until(lambda: len(each.pauses) > 3)

    async def broken(connection: Connection) -> None:
        del connection
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(module, "_ping", broken)
    await until(lambda: each.log.named("store.unreachable"))
    await each.database.close()


async def test_a_listening_connection_is_tried_when_it_is_silent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its packets may vanish."""
    monkeypatch.setattr("proxy.store.postgres.notifications.PING", 0.01)
    seen: list[str] = []

    async def counted(connection: Connection, work: Awaitable[object], seconds: float) -> object:
        del connection, seconds
        seen.append("ping")
        answer = await work
        if len(seen) > 2:
            raise StoreUnreachable("silent")
        return answer

    monkeypatch.setattr("proxy.store.postgres.notifications.bounded", counted)
    each = Opened(server)
    await each.database.start(10)
    await until(lambda: each.log.named("store.unreachable"))
    await each.database.close()
