"""The tables, their versions, and that no question is answered by reading all of them."""

import asyncio
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.outbox.message import DeadLetterCode, MessageState
from proxy.outbox.sqlite import database as database_module
from proxy.outbox.sqlite.schema import MIGRATIONS, NAME, SchemaTooNew, open_database
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys
from tests.fakes.clock import HandClock
from tests.unit.outbox.store_contract import ENTRY, LARGE, NOW, accept, look, taken


def pragma(connection: sqlite3.Connection, name: str) -> object:
    """The value of a setting."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_commit_is_durable_and_nothing_is_mapped(tmp_path: Path) -> None:
    """The files are for this user only."""
    connection = open_database(tmp_path)
    found = {name: pragma(connection, name) for name in ("journal_mode", "synchronous", "mmap_size", "secure_delete")}
    assert found == {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0, "secure_delete": 1}
    assert (pragma(connection, "locking_mode"), pragma(connection, "auto_vacuum")) == ("exclusive", 2)
    connection.execute("INSERT INTO routes VALUES ('a', 0, 0, 0, 0)")
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert files == {NAME: 0o600, f"{NAME}-wal": 0o600}
    connection.close()


def test_an_older_database_is_brought_up_to_date(tmp_path: Path) -> None:
    """A step that fails changes nothing."""

    def add(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE routes ADD COLUMN more INTEGER")

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE routes")
        raise ValueError("no")

    open_database(tmp_path).close()
    with pytest.raises(ValueError, match="no"):
        open_database(tmp_path, [*MIGRATIONS, add, fail])
    connection = open_database(tmp_path, [*MIGRATIONS, add])
    assert pragma(connection, "user_version") == len(MIGRATIONS) + 1
    assert connection.execute("SELECT more FROM routes").fetchall() == []
    connection.close()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    open_database(tmp_path, [*MIGRATIONS, lambda _: None]).close()
    with pytest.raises(SchemaTooNew) as caught:
        asyncio.run(SqliteOutbox.open(tmp_path, keys=Keys(), clock=HandClock()))
    assert str(caught.value) == (
        f"{tmp_path / NAME} has version 3, but this proxy knows versions up to 2; "
        "run the newer proxy that wrote it, or name another store.path"
    )


def test_messages_of_the_first_version_die_of_age_too(tmp_path: Path) -> None:
    """Nothing of them has to be rewritten."""
    connection = open_database(tmp_path, MIGRATIONS[:1])
    numbers = f"'orders', 0, {NOW}, {NOW}, {NOW + 10}, 10, 0, 0, '', 1, NULL, '', NULL, 0"
    connection.execute(f"INSERT INTO messages VALUES (1, 'old', {numbers})")
    connection.execute("INSERT INTO contents VALUES (1, 'POST', '')")
    connection.execute("INSERT INTO routes VALUES ('orders', 1, 0, 1, 0)")
    connection.close()

    async def died() -> list[str]:
        store = await SqliteOutbox.open(tmp_path, keys=Keys(), clock=HandClock(wall=NOW + 10))
        looked = await look(store, NOW + 10)
        await store.close()
        return [each.id for each in looked.messages]

    assert asyncio.run(died()) == ["old"]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """What stores ask, with placeholders."""
    found: set[str] = set()

    class Recorded(database_module.Database):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            execute = self.execute

            def record(statement: str, *values: object) -> sqlite3.Cursor:
                found.add(statement)
                return execute(statement, *values)  # type: ignore[arg-type]

            self.execute = record

    monkeypatch.setattr("proxy.outbox.sqlite.store.Database", Recorded)
    return found  # type: ignore[return-value]


async def ask_everything(tmp_path: Path) -> None:
    """Use all of a store."""
    store = await SqliteOutbox.open(tmp_path, keys=Keys(), clock=HandClock(wall=NOW))
    given: dict[str, Any] = {"sender_id": b"a", "remember": 5.0, "content_hash": b"h"}
    ids = [await accept(store, order=b"o", body=LARGE, **given), await accept(store, order=b"o"), await accept(store)]
    await accept(store, **{**given, "sender_id": b"b"}, accepted_at=NOW + 60)
    await taken(store)
    await store.next_due("orders")
    await store.begin(ids[0], NOW)
    await store.deferred(ids[0], next_at=NOW, entry=ENTRY)
    for state in (None, *MessageState):
        await store.messages(route=None, state=state, limit=5, after=None)
    await store.died(ids[0], DeadLetterCode.REFUSED, None)
    await store.message(ids[0])
    await store.retry(ids[0], NOW)
    await store.discard(ids[0])
    await store.messages(route="orders", state=None, limit=5, after=ids[0])
    await store.hold("orders")
    await store.routes()
    await store.release(ids[1])
    await look(store, NOW)
    await store.delivered(ids[2])
    assert store._sweep is not None
    await store._sweep
    await store.close()


def test_no_question_reads_a_whole_table(tmp_path: Path, statements: set[str]) -> None:
    """Nor sorts: each has its index."""
    asyncio.run(ask_everything(tmp_path))
    connection = open_database(tmp_path)
    asked = {each for each in statements if each.split()[0] in {"SELECT", "UPDATE", "DELETE"}}
    plans = {
        each: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {each}", [None] * each.count("?"))]
        for each in asked
    }
    connection.close()
    assert len(plans) > 20
    assert {
        each: plan for each, plan in plans.items() if any("SCAN" in step or "B-TREE" in step for step in plan)
    } == {}
