"""The database that replicas share, with the keys of the moment; it belongs to the process."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from proxy.app.outages import Outages
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.model import OAuthClient
from proxy.config.store import StoreSettings
from proxy.oauth.granter import Granter
from proxy.oauth.shared_granter import SharedGranter
from proxy.store.keys import KeyMissing, Keys, read_keys
from proxy.store.state import StoreState
from proxy.store.tokens import StoreUnreachable

if TYPE_CHECKING:
    from proxy.clock import Clock
    from proxy.observe.logger import Logger
    from proxy.outbox.postgres.store import PostgresOutbox
    from proxy.store.postgres.database import Database

FIRST_TRY = 3.0
"Seconds that a start waits for the database, so that the first message need not go without it."
RELOADING = 2.0
"Seconds for reading the name key with new keys."


def keys_watcher(settings: StoreSettings) -> FileWatcher[Keys]:
    """Reads the keys file; OSError or ValueError if it is not usable."""
    if settings.keys_file is None:
        raise ValueError("store.postgres needs store.keys_file")
    return FileWatcher((settings.keys_file,), read=partial(read_keys, settings.keys_file))


class SharedStore:
    """From `start` to `close`. The constructor reads the keys file: OSError or ValueError if it is not usable."""

    def __init__(self, database_url: str, settings: StoreSettings, *, ca_file: Path | None, log: "Logger") -> None:
        try:
            from proxy.store.postgres import connecting, database, migrations, names, tokens  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ValueError(
                f"store.postgres needs the extra postgres ({error}): pip install 'cpi-oauth-proxy[postgres]'"
            ) from None
        self._log = log
        self._watcher = keys_watcher(settings)
        self._reported: set[str] = set()
        self._granters = WeakSet[SharedGranter]()
        self._loading: asyncio.Task[None] | None = None
        self._names = names.NameKey(self.keys, rejected=self.rejected)
        server = connecting.Server(database_url, settings.password_file, ca_file)
        try:
            connecting.parameters(server)
        except ValueError as error:
            raise ValueError(f"store.postgres {error}") from None
        preparations = (migrations.migrate, self._names.load, tokens.clean)
        outages = Outages(log, {"tokens", "outbox"})
        self._database: Database = database.Database(server, preparations, log=outages.of("tokens"))
        self._tokens = tokens.PostgresTokens(self._database, self._names)
        self._outbox: Database = database.Database(server, preparations[:2], log=outages.of("outbox"))
        "Apart: an outbox has time, and must not be closed because a token has none."

    @property
    def state(self) -> StoreState:
        """What the admin address shows."""
        database = self._database
        unknown = None if self._names.is_known else "its keys are not in store.keys_file"
        return StoreState(up=self._tokens.is_available, listening=database.listening, detail=database.reason or unknown)

    keys_watcher = staticmethod(keys_watcher)

    def keys(self) -> Keys:
        """Returns the keys as the file has them now."""
        return self._watcher.value

    def granter(self, client: OAuthClient, granter: Granter, clock: "Clock") -> Granter:
        """Returns what shares the tokens that the given granter is granted."""
        shared = SharedGranter(client, granter, self._tokens, keys=self.keys, rejected=self.rejected, clock=clock)
        self._granters.add(shared)
        return shared

    def outbox(self, clock: "Clock") -> "PostgresOutbox":
        """Returns the store of the outboxes, which has begun to work."""
        from proxy.outbox.postgres.store import PostgresOutbox  # noqa: PLC0415 - loads the extra

        store = PostgresOutbox(
            self._outbox, self._names, self.keys, clock=clock, log=self._log, rejected=self._message_rejected
        )
        store.start()
        return store

    async def start(self) -> None:
        """Opens the database; returns also if it is unreachable, because then there are grants all the same."""
        self._watch()
        await asyncio.gather(self._database.start(FIRST_TRY), self._outbox.start(FIRST_TRY))
        await asyncio.gather(*(each.prefetch() for each in self._granters))

    async def use(self, watcher: FileWatcher[Keys]) -> None:
        """Goes on with another keys file."""
        await self._watcher.close()
        self._watcher = watcher
        self._watch()
        self._changed(watcher.value)

    async def close(self) -> None:
        """Closes the connections."""
        await self._watcher.close()
        if self._loading is not None:
            await asyncio.wait([self._loading])
        await asyncio.gather(self._database.close(), self._outbox.close())

    def rejected(self, error: ValueError) -> None:
        """Says once what cannot be decrypted, and again after the keys have changed."""
        if str(error) in self._reported:
            return
        self._reported.add(str(error))
        if isinstance(error, KeyMissing):
            detail = f"This proxy shares no tokens: {error}."
            self._log.warning("store.key_unknown", detail=detail)
        else:
            self._log.warning("store.value_rejected", detail=f"A new grant replaces it: {error}.")

    def _message_rejected(self, error: ValueError) -> None:
        """Says once which key is missing for messages, and again after the keys have changed."""
        if str(error) not in self._reported:
            self._reported.add(str(error))
            detail = f"Messages wait for a replica that has their key: {error}."
            self._log.warning("store.key_unknown", detail=detail)

    def _watch(self) -> None:
        self._watcher.start(changed=self._changed, rejected=self._unreadable)

    def _changed(self, _: Keys) -> None:
        """Has the name key read with the new keys, once they are there."""
        self._reported.clear()
        self._loading = asyncio.get_running_loop().create_task(self._load(self._loading))

    async def _load(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._database.run(self._names.load, within=RELOADING)
        except StoreUnreachable:
            return  # it is read when the store is opened again
        self._log.info("store.keys_changed", up=self.state.up)

    def _unreadable(self, error: Exception) -> None:
        self._log.warning("store.keys_rejected", detail=f"The keys stay as they were: {reason_of(error)}.")
