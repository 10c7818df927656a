"""Connections to PostgreSQL: what the URL says, safe defaults for the rest, and the password of the moment."""

import asyncio
import os
import select
import socket
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from proxy.config.secrets import read_secret
from proxy.hosts import is_loopback
from proxy.store.tokens import StoreUnreachable

T = TypeVar("T")


class Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection, which may lead to a pooler."""

    is_pooled = False
    "Whether a pooler is in between, which may give each transaction another session of the server."


CONNECT = 5
"Seconds for a new connection, TLS and log-in included, and for each address of its hosts."
DEFAULTS: dict[str, str] = {
    "application_name": "cpi-oauth-proxy",
    "connect_timeout": str(CONNECT),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
_LIMITS = """(
    SELECT count(set_config(name, value, {local})) FROM (VALUES ('statement_timeout', '5s'), ('lock_timeout', '2s'),
        ('idle_in_transaction_session_timeout', '10s'), ('client_min_messages', 'warning')) AS limits (name, value)
)"""
"What holds for every statement, should the client not end it: it has shorter limits of its own."
SESSION = f"SELECT CASE WHEN pg_backend_pid() = %s THEN {_LIMITS.format(local='false')} END"
"Sets them if the session is that of the connection: a pooler has told another number, and the session is for others."
TRANSACTION = f"SELECT {_LIMITS.format(local='true')}"
OLDEST = 130000
"PostgreSQL 13."


@dataclass(frozen=True, slots=True)
class Server:
    """Which server, by which password and trusting whom; the URL holds no secret."""

    url: str
    password_file: Path | None = None
    ca_file: Path | None = None


def parameters(server: Server) -> dict[str, Any]:
    """Returns the parameters of libpq: those of the URL, and ours where it says nothing.

    A server on another machine is verified as long as the URL names no other `sslmode`. ValueError if libpq cannot read
    the URL.
    """
    try:
        named = conninfo_to_dict(server.url)
    except psycopg.Error:  # its text quotes the URL
        raise ValueError("is not a valid PostgreSQL URL; write postgresql://user@host/database") from None
    found: dict[str, Any] = DEFAULTS | named
    if "sslmode" not in named and not _is_local(named):
        found["sslmode"] = "verify-full"
    if found.get("sslmode") in {"verify-ca", "verify-full"} and "sslrootcert" not in named:
        found["sslrootcert"] = os.fspath(server.ca_file or ssl.get_default_verify_paths().cafile or "system")
    return found


def current(server: Server) -> dict[str, Any]:
    """Returns the arguments of a new connection: the password as its file has it now, and resolved hosts. Blocks.

    OSError or ValueError if the password cannot be read, the URL neither, or no host is known.
    """
    found = _resolved(parameters(server))
    if server.password_file is not None:
        found["password"] = read_secret(server.password_file).get_secret_value()
    # poolers give each transaction another connection, where prepared statements are unknown
    return {**found, "autocommit": True, "prepare_threshold": None}


async def connect(arguments: dict[str, Any]) -> Connection:
    """Opens a connection; psycopg's errors, ValueError or StoreUnreachable."""
    connection = await Connection.connect(**arguments)
    await configure(connection)
    return connection


async def configure(connection: Connection) -> None:
    """Makes a new connection ready for use."""
    cursor = await bounded(connection, connection.execute(SESSION, (connection.info.backend_pid,)), CONNECT)
    connection.is_pooled = await cursor.fetchone() == (None,)
    if connection.info.server_version < OLDEST:
        await connection.close()
        raise ValueError("the server is older than PostgreSQL 13")


async def limit(connection: Connection) -> None:
    """Limits the statements of a transaction that has begun, unless the session has its limits."""
    if connection.is_pooled:
        await connection.execute(TRANSACTION)


async def check_open(connection: Connection) -> None:
    """Raises OperationalError if the server has ended an idle connection; costs no round trip."""
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    if waiting.poll(0):
        cut(connection)
        connection.pgconn.finish()
        raise psycopg.OperationalError("the server has closed the connection")


async def bounded(connection: Connection, work: Awaitable[T], seconds: float) -> T:
    """Awaits what works on the connection; after so many seconds cuts the connection and raises StoreUnreachable.

    Cancelling would wait for the server (psycopg asks it to cancel the statement), which may never answer.
    """
    task, failed = asyncio.ensure_future(work), False
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        if not task.done():
            cut(connection)
            await asyncio.wait([task])
            failed = task.exception() is not None  # asked also if nobody waits any more, or asyncio would log it
    if failed:
        raise StoreUnreachable(f"it did not answer within {seconds:g} s")
    return task.result()


def cut(connection: Connection) -> None:
    """Ends the connection without the server: what waits for an answer fails in the next turn of the event loop."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as same:
        same.shutdown(socket.SHUT_RDWR)


def reason_of(error: BaseException) -> str:
    """Returns why the store cannot be used, in words that show no secret: libpq's, which name host and user at most."""
    if isinstance(error, psycopg.Error):
        lines = (error.diag.message_primary or str(error)).strip().splitlines() or [type(error).__name__]
        return " ".join(each.strip(" -\t") for each in lines[: 2 if lines[0].endswith(":") else 1]).rstrip(".")
    if isinstance(error, StoreUnreachable | ValueError | OSError):
        return str(error)
    return type(error).__name__


def _resolved(found: dict[str, Any]) -> dict[str, Any]:
    """Returns the parameters with the addresses of their hosts: psycopg would look them up in threads of asyncio."""
    if "hostaddr" in found or not found.get("host"):
        return found
    hosts = str(found["host"]).split(",")
    ports = str(found.get("port") or os.environ.get("PGPORT") or 5432).split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    if len(ports) != len(hosts):
        raise ValueError("has a different number of ports than of hosts")
    ways = [(host, address, port) for host, port in zip(hosts, ports, strict=True) for address in _addresses(host)]
    if not ways:
        raise OSError(f"no address is known for {found['host']}")
    names = zip(("host", "hostaddr", "port"), (",".join(each) for each in zip(*ways, strict=True)), strict=True)
    return found | dict(names)


def _addresses(host: str) -> list[str]:
    """Returns the addresses of a host, none if there are none; of the folder of a Unix socket an empty one."""
    if not host or host.startswith(("/", "@")):
        return [""]
    try:
        return list(dict.fromkeys(str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))
    except OSError:
        return []


def _is_local(named: dict[str, Any]) -> bool:
    """Whether all hosts are this machine: Unix sockets, or loopback addresses."""
    hosts = str(named.get("hostaddr") or named.get("host") or "").split(",")
    return all(not each or each.startswith(("/", "@")) or is_loopback(each) for each in hosts)
