"""Shared tokens in PostgreSQL: each operation is one statement, and all times are the database's."""

from typing import Any, Final

from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.database import Database
from proxy.store.postgres.names import NameKey
from proxy.store.tokens import Sealed, TokenRow

_LOOK: Final = """
SELECT extract(epoch FROM clock_timestamp())::float8, generation, token_key, token,
    coalesce(extract(epoch FROM clock_timestamp() - asked_at), 0)::float8,
    CASE WHEN lease_until < clock_timestamp() + interval '60 s'
        THEN greatest(extract(epoch FROM lease_until - clock_timestamp()), 0)::float8 ELSE 0 END,
    failure_key, failure, failures,
    CASE WHEN retry_at < clock_timestamp() + interval '700 s'
        THEN greatest(extract(epoch FROM retry_at - clock_timestamp()), 0)::float8 ELSE 0 END
FROM (VALUES (1)) AS always (one) LEFT JOIN cpi_proxy_tokens ON name = %s
"""
"A lease or pause that ends later than any can is of a clock that was set back, and counts as over."

_ACQUIRE: Final = """
INSERT INTO cpi_proxy_tokens AS present (name, lease_owner, lease_until)
VALUES (%(name)s, %(owner)s, clock_timestamp() + %(seconds)s * interval '1 s')
ON CONFLICT (name) DO UPDATE SET lease_owner = excluded.lease_owner, lease_until = excluded.lease_until
WHERE present.lease_owner IS NULL OR present.lease_until <= clock_timestamp()
    OR present.lease_until >= clock_timestamp() + interval '60 s'
RETURNING name
"""

_EXTEND: Final = """
UPDATE cpi_proxy_tokens SET lease_until = clock_timestamp() + %(seconds)s * interval '1 s'
WHERE name = %(name)s AND lease_owner = %(owner)s RETURNING name
"""

_PUBLISH: Final = """
WITH changed AS (
    UPDATE cpi_proxy_tokens SET generation = %(generation)s, token_key = %(key)s, token = %(value)s,
        asked_at = to_timestamp(%(asked_at)s), changed_at = clock_timestamp(),
        lease_owner = NULL, lease_until = NULL, failure_key = NULL, failure = NULL, failures = 0, retry_at = NULL
    WHERE name = %(name)s AND lease_owner = %(owner)s AND generation = %(generation)s - 1 RETURNING name
) SELECT pg_notify('cpi_proxy', encode(name, 'hex')) FROM changed
"""

_PUBLISH_FAILURE: Final = """
WITH changed AS (
    UPDATE cpi_proxy_tokens SET failure_key = %(key)s, failure = %(value)s, failures = failures + 1,
        retry_at = clock_timestamp() + %(seconds)s * interval '1 s', changed_at = clock_timestamp(),
        lease_owner = NULL, lease_until = NULL
    WHERE name = %(name)s AND lease_owner = %(owner)s AND generation = %(generation)s RETURNING name
) SELECT pg_notify('cpi_proxy', encode(name, 'hex')) FROM changed
"""

_RELEASE: Final = """
WITH changed AS (
    UPDATE cpi_proxy_tokens SET lease_owner = NULL, lease_until = NULL
    WHERE name = %(name)s AND lease_owner = %(owner)s RETURNING name
) SELECT pg_notify('cpi_proxy', encode(name, 'hex')) FROM changed
"""

_FORGET: Final = """
UPDATE cpi_proxy_tokens SET token_key = NULL, token = NULL WHERE name = %(name)s AND generation = %(generation)s
RETURNING name
"""

_CLEAN: Final = "DELETE FROM cpi_proxy_tokens WHERE changed_at < clock_timestamp() - interval '181 days'"
"Of credentials that nobody uses any more: no token lives longer."


class PostgresTokens:
    """The rows of all OAuth clients; a TokenStore."""

    def __init__(self, database: Database, names: NameKey) -> None:
        self._database, self._names = database, names

    @property
    def is_available(self) -> bool:
        """Whether the database is reachable, and its keys are ours."""
        return self._database.is_up and self._names.is_known

    def name_of(self, identity: bytes) -> bytes:
        """Returns the keyed hash; StoreUnreachable if the key is not known."""
        return self._names.name_of(identity)

    async def look(self, name: bytes) -> TokenRow:
        """Returns the row; generation 0 if there is none."""
        row = await self._row(_LOOK, (name,)) or ()
        now, generation, token_key, token, age, lease_left, failure_key, failure, failures, pause_left = row
        return TokenRow(
            now=now,
            generation=generation or 0,
            token=None if token is None else Sealed(bytes(token_key), bytes(token)),
            age=age,
            lease_left=lease_left,
            failure=None if failure is None else Sealed(bytes(failure_key), bytes(failure)),
            failures=failures or 0,
            pause_left=pause_left,
        )

    async def acquire(self, name: bytes, owner: bytes, seconds: float) -> bool:
        """Takes the lease if nobody has it."""
        return await self._is_done(_ACQUIRE, name=name, owner=owner, seconds=seconds)

    async def extend(self, name: bytes, owner: bytes, seconds: float) -> bool:
        """Extends the lease, unless another has taken it."""
        return await self._is_done(_EXTEND, name=name, owner=owner, seconds=seconds)

    async def publish(self, name: bytes, owner: bytes, *, generation: int, token: Sealed, asked_at: float) -> bool:
        """Stores a token and ends the lease; not if another has taken it or has published."""
        return await self._is_done(
            _PUBLISH,
            name=name,
            owner=owner,
            generation=generation,
            key=token.key_id,
            value=token.value,
            asked_at=asked_at,
        )

    async def publish_failure(
        self, name: bytes, owner: bytes, *, generation: int, failure: Sealed, seconds: float
    ) -> bool:
        """Stores a failure and ends the lease; not if another has taken it or has published."""
        return await self._is_done(
            _PUBLISH_FAILURE,
            name=name,
            owner=owner,
            generation=generation,
            key=failure.key_id,
            value=failure.value,
            seconds=seconds,
        )

    async def release(self, name: bytes, owner: bytes) -> None:
        """Ends the lease, unless another has taken it."""
        await self._is_done(_RELEASE, name=name, owner=owner)

    async def forget(self, name: bytes, generation: int) -> None:
        """Removes the token if it is of this generation."""
        await self._is_done(_FORGET, name=name, generation=generation)

    async def changed(self, name: bytes, seconds: float) -> None:
        """Waits until the row has changed, or so long."""
        await self._database.notifications.wait(name.hex(), seconds)

    async def _is_done(self, statement: str, **parameters: Any) -> bool:
        return await self._row(statement, parameters) is not None

    async def _row(self, statement: str, parameters: Any) -> tuple[Any, ...] | None:
        async def execute(connection: Connection) -> tuple[Any, ...] | None:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchone()

        return await self._database.run(execute)


async def clean(connection: Connection) -> None:
    """Removes rows that nobody has changed for longer than any token lives."""
    await connection.execute(_CLEAN)
