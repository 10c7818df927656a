"""The tables, and how those of an earlier version become these. All names begin with `cpi_proxy_`."""

from typing import Final

from proxy.store.postgres import outbox_tables
from proxy.store.postgres.connecting import Connection, limit

STEPS: Final = (
    """
    CREATE TABLE cpi_proxy_name_key (
        is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
        key_id bytea NOT NULL,
        value bytea NOT NULL
    );
    CREATE TABLE cpi_proxy_tokens (
        name bytea PRIMARY KEY,
        generation bigint NOT NULL DEFAULT 0,
        token_key bytea,
        token bytea,
        asked_at timestamptz,
        lease_owner bytea,
        lease_until timestamptz,
        failure_key bytea,
        failure bytea,
        failures integer NOT NULL DEFAULT 0,
        retry_at timestamptz,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    """,
    outbox_tables.TABLES,
    outbox_tables.ENDINGS,
)
"Each makes the version that is its number, from 1. A proxy of the version before has to go on with the new tables."
VERSION: Final = len(STEPS)

_LOCK: Final = 7_205_759_403
"Any number that nobody else uses for an advisory lock in this database."


class SchemaNewer(ValueError):
    """A newer proxy has changed the tables."""


async def migrate(connection: Connection) -> None:
    """Makes the tables as they have to be, one replica at a time; SchemaNewer if a newer proxy has made them."""
    if await version(connection) < VERSION:
        async with connection.transaction():
            await limit(connection)
            # of the transaction, not the session: behind a pooler the session is somebody else's
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            await _migrate(connection)


async def version(connection: Connection) -> int:
    """Returns the version of the tables, 0 if there are none; SchemaNewer if this proxy does not know it."""
    # not to_regclass: within a transaction it may not see a table that another has made meanwhile
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'cpi_proxy_schema' AND pg_table_is_visible(oid))"
    )
    if await cursor.fetchone() != (True,):
        return 0
    cursor = await connection.execute("SELECT max(version) FROM cpi_proxy_schema")
    row = await cursor.fetchone()
    found = int(row[0] or 0) if row else 0
    if found > VERSION:
        raise SchemaNewer(
            f"its tables have version {found} of a newer proxy, this one knows {VERSION}; update the proxy"
        )
    return found


async def _migrate(connection: Connection) -> None:
    found = await version(connection)  # again, under the lock
    if found == VERSION:
        return
    if not found:
        await connection.execute("CREATE TABLE IF NOT EXISTS cpi_proxy_schema (version integer PRIMARY KEY)")
    for step in STEPS[found:]:
        await connection.execute(step)
    await connection.execute("INSERT INTO cpi_proxy_schema SELECT generate_series(%s::int, %s)", (found + 1, VERSION))
