"""The key of the rows' names: a random one, kept in the database, encrypted with the keys of `store.keys_file`.

So a name stays the same while keys are rotated, and tells nothing to who reads the database. A replica that cannot
decrypt it has a foreign keys file.
"""

import hmac
import secrets
from collections.abc import Callable

from proxy.store.keys import KeyMissing, Keys, ValueForged
from proxy.store.postgres.connecting import Connection
from proxy.store.tokens import StoreUnreachable

_CONTEXT = b"name key"


class NameKey:
    """Names rows once it was loaded."""

    def __init__(self, keys: Callable[[], Keys], *, rejected: Callable[[ValueError], None]) -> None:
        """`rejected` gets why the key cannot be decrypted."""
        self._keys, self._rejected = keys, rejected
        self._key: bytes | None = None

    @property
    def is_known(self) -> bool:
        """Whether rows can be named."""
        return self._key is not None

    def name_of(self, identity: bytes) -> bytes:
        """Returns a keyed hash; StoreUnreachable without the key."""
        if self._key is None:
            raise StoreUnreachable("the store's keys are not those of this proxy")
        return hmac.digest(self._key, identity, "sha256")

    async def load(self, connection: Connection) -> None:
        """Reads the key, or makes it; encrypts it anew if the first key of the file has changed."""
        keys = self._keys()
        found = await _read(connection)
        if found is None:
            key_id, value = keys.seal(secrets.token_bytes(32), _CONTEXT)
            await connection.execute(
                "INSERT INTO cpi_proxy_name_key (key_id, value) VALUES (%s, %s) ON CONFLICT DO NOTHING", (key_id, value)
            )
            found = await _read(connection) or (key_id, value)
        try:
            self._key = keys.unseal(*found, _CONTEXT)
        except (KeyMissing, ValueForged) as error:
            self._key = None
            self._rejected(error)
            return
        if found[0] != keys.current_id:
            await connection.execute(
                "UPDATE cpi_proxy_name_key SET key_id = %s, value = %s WHERE key_id = %s",
                (*keys.seal(self._key, _CONTEXT), found[0]),
            )


async def opens(connection: Connection, keys: Keys) -> None:
    """Raises KeyMissing or ValueForged if these keys are not those of the database."""
    found = await _read(connection)
    if found is not None:
        keys.unseal(*found, _CONTEXT)


async def _read(connection: Connection) -> tuple[bytes, bytes] | None:
    cursor = await connection.execute("SELECT key_id, value FROM cpi_proxy_name_key")
    row = await cursor.fetchone()
    return None if row is None else (bytes(row[0]), bytes(row[1]))
