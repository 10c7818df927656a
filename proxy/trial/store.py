"""Examines the database that replicas share, and changes nothing in it."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import psycopg

from proxy.config.file_threads import FileThreads
from proxy.config.model import Configuration
from proxy.store.keys import KeyMissing, ValueForged, read_keys
from proxy.store.postgres.connecting import Connection, Server, connect, current, reason_of
from proxy.store.postgres.migrations import version
from proxy.store.postgres.names import opens
from proxy.store.postgres.notifications import listens
from proxy.store.tokens import StoreUnreachable
from proxy.trial.checks import CheckFailed, CheckResult, Checks, ok, warning


def store_examination(configuration: Configuration) -> "StoreExamination":
    """Returns what examines the store; ValueError if replicas share none."""
    store = configuration.store
    if store.postgres is None or store.keys_file is None:
        raise ValueError("store.postgres needs store.keys_file")
    return StoreExamination(Server(store.postgres, store.password_file, configuration.ca_file), store.keys_file)


class StoreExamination:
    """Checks the store step by step."""

    def __init__(self, server: Server, keys_file: Path) -> None:
        self._server, self._keys_file = server, keys_file
        self._threads = FileThreads()
        self._opened: list[Connection] = []

    def checks(self) -> Checks:
        """The checks in order; each one needs those before it."""
        return {
            "connection": partial(self._telling, self._connect),
            "tables": partial(self._telling, self._find_tables),
            "key": partial(self._telling, self._find_key),
            "LISTEN": partial(self._telling, self._listen),
        }

    async def close(self) -> None:
        """Closes the connections."""
        for connection in self._opened:
            await connection.close()

    async def _telling(self, check: Callable[[], Awaitable[CheckResult]]) -> CheckResult:
        """Says what to do if the database does not do what the check needs."""
        try:
            return await check()
        except (KeyMissing, ValueForged) as error:
            raise CheckFailed(
                f"`keys_file` is not that of the other replicas: {error}. Until it is, nothing is shared."
            ) from None
        except (psycopg.Error, OSError, ValueError, StoreUnreachable) as error:
            raise CheckFailed(f"The store cannot be used: {reason_of(error)}.") from None

    async def _connect(self) -> CheckResult:
        connection = await self._open()
        tls = "with TLS" if connection.pgconn.ssl_in_use else "without TLS"
        return ok(f"PostgreSQL {connection.info.server_version // 10000}, {tls}")

    async def _find_tables(self) -> CheckResult:
        found = await version(self._opened[0])
        return ok(f"version {found}" if found else "not there yet; the first start makes them")

    async def _find_key(self) -> CheckResult:
        keys = await self._threads.run(partial(read_keys, self._keys_file))
        if await version(self._opened[0]):
            await opens(self._opened[0], keys)
            return ok("`keys_file` is that of the other replicas")
        return ok(f"{len(keys.keys)} in `keys_file`; the first one encrypts")

    async def _listen(self) -> CheckResult:
        if await listens(await self._open(), self._opened[0]):
            return ok("changes of other replicas are notified")
        return warning("notifications do not arrive (a pooler?); replicas look again every quarter of a second instead")

    async def _open(self) -> Connection:
        connection = await connect(await self._threads.run(partial(current, self._server)))
        self._opened.append(connection)
        return connection
