"""Large bodies as rows, a piece each: stored before their message is committed, removed after it was.

A body that no message has yet, or has any more, is noted as loose; what a crash leaves loose is swept later.
"""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

from proxy.errors import OutboxUnavailable
from proxy.outbox.bodies import seal_body, unseal_body_piece
from proxy.outbox.failures import unavailable
from proxy.outbox.message import StoredBody
from proxy.outbox.postgres.failures import FAILURES, failure_of
from proxy.store.keys import Keys
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.database import Database
from proxy.store.postgres.transactions import NOW, rows, transact
from proxy.store.sealed_pieces import PIECE
from proxy.store.tokens import StoreUnreachable

WITHIN = 5.0
"Seconds for one piece."
ABANDONED = 3600.0
"Seconds after which a loose body belongs to nobody."
SWEPT_AT_A_TIME = 20

_LOOSE: Final = f"INSERT INTO cpi_proxy_outbox_loose (body, since) VALUES (%s, {NOW})"
_PIECE: Final = "INSERT INTO cpi_proxy_outbox_pieces (body, number, value) VALUES (%s, %s, %s)"
_READ: Final = "SELECT value FROM cpi_proxy_outbox_pieces WHERE body = %s AND number = %s"
_ABANDONED: Final = f"""
SELECT body FROM cpi_proxy_outbox_loose WHERE since < {NOW} - %s LIMIT {SWEPT_AT_A_TIME} FOR UPDATE SKIP LOCKED
"""
_FOUND: Final = "SELECT body FROM cpi_proxy_outbox_loose WHERE body = ANY(%s) FOR UPDATE SKIP LOCKED"
_REMOVE_PIECES: Final = "DELETE FROM cpi_proxy_outbox_pieces WHERE body = ANY(%s)"
_REMOVE: Final = "DELETE FROM cpi_proxy_outbox_loose WHERE body = ANY(%s)"


class Bodies:
    """The large bodies of all messages."""

    def __init__(self, database: Database, keys: Callable[[], Keys]) -> None:
        self._database, self._keys = database, keys

    async def keep(self, body: "bytes | StoredBody", keys: Keys, context: bytes) -> str:
        """Stores a body, and returns its name. Raises OutboxFull or OutboxUnavailable."""
        name = secrets.token_hex(16)
        await self._write(_LOOSE, (name,))
        await seal_body(body, keys, context, lambda number, piece: self._write(_PIECE, (name, number, piece)))
        return name

    def stored(self, name: str, size: int, key_id: bytes, context: bytes) -> "PieceBody":
        """Returns a body that was kept."""
        return PieceBody(self._database, name, size=size, keys=self._keys, key_id=key_id, context=context)

    async def remove(self, names: list[str]) -> None:
        """Removes bodies that are loose."""
        await transact(self._database, partial(_remove, names), within=WITHIN)

    async def sweep(self) -> bool:
        """Removes some of what was abandoned; returns whether there may be more."""
        return await transact(self._database, _sweep, within=WITHIN) == SWEPT_AT_A_TIME

    async def _write(self, statement: str, parameters: tuple[object, ...]) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute(statement, parameters)

        try:
            await transact(self._database, write, within=WITHIN)
        except FAILURES as error:
            raise failure_of(error) from None


class PieceBody:
    """A body in the database."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        size: int,
        keys: Callable[[], Keys],
        key_id: bytes,
        context: bytes,
    ) -> None:
        self._database, self._name, self._keys, self._key_id, self._context = database, name, keys, key_id, context
        self.size = size

    def __repr__(self) -> str:
        return f"<PieceBody {self.size}>"

    async def read(self, at: int) -> bytes:
        """Returns what its piece has from the octet `at` on. Raises OutboxUnavailable."""
        if at >= self.size:
            return b""
        number, begin = divmod(at, PIECE)
        try:
            value = await self._database.run(partial(_read, self._name, number), within=WITHIN)
        except StoreUnreachable as error:
            raise unavailable(error) from None
        if value is None:
            raise OutboxUnavailable("The body of this message is gone: it was delivered or discarded meanwhile.")
        content = unseal_body_piece(self._keys(), self._key_id, value, self._context, number=number, size=self.size)
        return content[begin:]


async def _read(name: str, number: int, connection: Connection) -> bytes | None:
    found = await rows(connection, _READ, (name, number))
    return bytes(found[0][0]) if found else None


async def _remove(names: list[str], connection: Connection) -> None:
    found = [body for (body,) in await rows(connection, _FOUND, (names,))]
    await _delete(connection, found)


async def _sweep(connection: Connection) -> int:
    found = [body for (body,) in await rows(connection, _ABANDONED, (ABANDONED,))]
    await _delete(connection, found)
    return len(found)


async def _delete(connection: Connection, names: list[str]) -> None:
    if names:
        await connection.execute(_REMOVE_PIECES, (names,))
        await connection.execute(_REMOVE, (names,))
