"""Connections to PostgreSQL."""

import asyncio
import gc
import ssl
from pathlib import Path

import psycopg
import pytest
import trustme
from psycopg.pq import TransactionStatus

from proxy.store.postgres import connecting as module
from proxy.store.postgres.connecting import Server, bounded, check_open, connect, current, parameters, reason_of
from proxy.store.tokens import StoreUnreachable
from tests.cases import cases
from tests.fakes.postgres import PASSWORD, PostgresServer
from tests.unit.store.postgres.conftest import Connect

needs_server = pytest.mark.needs("postgresql")


@cases(
    "url, mode",
    ("postgresql://u@db.example.com/x", "verify-full"),
    ("postgresql://u@127.0.0.1,db.example.com/x", "verify-full"),
    ("postgresql://u@db.example.com/x?sslmode=require", "require"),
    ("postgresql://u@127.0.0.1/x", None),
    ("postgresql://u@localhost,[::1]/x", None),
    ("postgresql:///x?host=/run/postgresql", None),
    ("postgresql://u@db.example.com/x?hostaddr=127.0.0.1", None),
)
def test_another_machine_is_verified_unless_the_url_says_otherwise(url: str, mode: str | None) -> None:
    """The default is verification."""
    assert parameters(Server(url)).get("sslmode") == mode


def test_the_authorities_are_those_of_the_configuration_or_the_system() -> None:
    """Not those of a home directory."""
    url = "postgresql://u@db.example.com/x"
    system = ssl.get_default_verify_paths().cafile or "system"
    assert parameters(Server(url))["sslrootcert"] == system
    assert parameters(Server(url, ca_file=Path("/ca.pem")))["sslrootcert"] == "/ca.pem"
    assert parameters(Server(f"{url}?sslrootcert=/own.pem", ca_file=Path("/ca.pem")))["sslrootcert"] == "/own.pem"
    assert "sslrootcert" not in parameters(Server(f"{url}?sslmode=require"))


def test_what_libpq_cannot_read_is_refused_without_showing_it() -> None:
    """Libpq's own error would."""
    with pytest.raises(ValueError, match="is not a valid PostgreSQL URL") as raised:
        parameters(Server("postgresql://u@db/x?unkn0wn=1"))
    assert "unkn0wn" not in str(raised.value)


def test_each_address_of_each_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of Unix sockets have none."""
    known = {"a": ["10.0.0.1", "10.0.0.2"], "b": ["::1"]}

    def look_up(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host not in known:
            raise OSError("unknown")
        return [(0, 0, 0, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    found = current(Server("postgresql://u@a:1,b:2,%2Frun:3,unknown:4/x"))
    assert [found[name] for name in ("host", "hostaddr", "port")] == ["a,a,b,/run", "10.0.0.1,10.0.0.2,::1,", "1,1,2,3"]
    assert current(Server("postgresql://u@a,b:5/x?port=7"))["port"] == "7,7,7"
    with pytest.raises(OSError, match="no address is known for unknown"):
        current(Server("postgresql://u@unknown/x"))
    with pytest.raises(ValueError, match="a different number of ports than of hosts"):
        current(Server("postgresql://u@a,b,b/x?port=1,2"))


@needs_server
async def test_the_password_is_read_for_each_connection(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """No refusal shows it."""
    file = tmp_path / "password"
    server = Server(postgres_server.url(), file)
    file.write_text("wr0ngPassw0rd")
    with pytest.raises(psycopg.OperationalError) as raised:
        await connect(await asyncio.to_thread(current, server))
    assert "password authentication failed" in reason_of(raised.value)
    assert "wr0ngPassw0rd" not in reason_of(raised.value)
    file.write_text(f"{PASSWORD}\n")
    connection = await connect(await asyncio.to_thread(current, server))
    await connection.close()


@needs_server
async def test_a_server_that_is_too_old_is_refused(connecting: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """13 is the oldest; the sentence says so."""
    monkeypatch.setattr(module, "OLDEST", 990000)
    with pytest.raises(ValueError, match="older than PostgreSQL 13"):
        await connecting()


@needs_server
async def test_a_statement_that_takes_too_long_is_given_up(connecting: Connect) -> None:
    """Without asking the server to cancel."""
    connection = await connecting()
    with pytest.raises(StoreUnreachable, match="did not answer within"):
        await bounded(connection, connection.execute("SELECT pg_sleep(60)"), 0.01)
    assert connection.broken


@needs_server
async def test_a_cancelled_statement_is_given_up_at_once(connecting: Connect) -> None:
    """Its failure is no news for the event loop."""
    connection, told = await connecting(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    task = asyncio.create_task(bounded(connection, connection.execute("SELECT pg_sleep(60)"), 60))
    while connection.pgconn.transaction_status != TransactionStatus.ACTIVE:  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert connection.broken
    del task
    gc.collect()
    assert told == []


@needs_server
async def test_a_connection_that_the_server_has_closed_is_not_used(
    connecting: Connect, postgres_server: PostgresServer
) -> None:
    """It is found without a round trip."""
    connection = await connecting()
    await check_open(connection)
    pid = connection.info.backend_pid
    await asyncio.to_thread(postgres_server.sql, f"SELECT pg_terminate_backend({pid})")
    while await asyncio.to_thread(postgres_server.sql, f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid}") != "":
        pass
    with pytest.raises(psycopg.OperationalError, match="has closed the connection"):
        await check_open(connection)


@needs_server
async def test_tls_is_as_the_url_says(postgres_server: PostgresServer, database: str, tmp_path: Path) -> None:
    """With verify-full the authority counts."""
    right, wrong = trustme.CA(), trustme.CA()
    right.cert_pem.write_to_path(tmp_path / "right.pem")
    wrong.cert_pem.write_to_path(tmp_path / "wrong.pem")
    url = postgres_server.url(database, options="?sslmode=verify-full")
    with postgres_server.with_tls(right):
        connection = await connect(
            await asyncio.to_thread(current, Server(url, postgres_server.password_file, tmp_path / "right.pem"))
        )
        assert connection.pgconn.ssl_in_use
        await connection.close()
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            await connect(
                await asyncio.to_thread(current, Server(url, postgres_server.password_file, tmp_path / "wrong.pem"))
            )


def test_a_reason_is_one_sentence() -> None:
    """The first of many; of a fault of ours only its class."""
    assert reason_of(psycopg.OperationalError("it failed\n\tIs it running?")) == "it failed"
    assert reason_of(psycopg.OperationalError("All failures were:\n- host: it failed\n- again")) == (
        "All failures were: host: it failed"
    )
    assert reason_of(psycopg.OperationalError("")) == "OperationalError"
    assert reason_of(ValueError("wrong")) == "wrong"
    assert reason_of(KeyError("secret")) == "KeyError"
