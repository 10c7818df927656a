"""The store of the messages in outboxes: opened when a configuration first has an outbox, and closed at the end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.app.process_resources import ProcessResources
from proxy.config.file_threads import FileThreads
from proxy.config.model import Configuration
from proxy.config.store import StoreSettings
from proxy.errors import OutboxUnavailable
from proxy.store.folder import Folder, FolderInUse, folder_of
from proxy.store.place import is_needed

if TYPE_CHECKING:
    from proxy.outbox.sqlite.store import SqliteOutbox
    from proxy.store.keys import Keys


class StoreUnreadable(ValueError):
    """What is in the store cannot be read with this configuration, or by this version."""


class MessageStore:
    """Opens the store for the outboxes: a folder, or the database that replicas share (shared_store.py)."""

    def __init__(self, resources: ProcessResources, *, shared: bool) -> None:
        """`shared` tells whether it may be the database."""
        self._outboxes, self._shared = resources.outboxes, resources.store if shared else None
        self._environ, self._clock, self._log = resources.environ, resources.clock, resources.log.logger
        self._folder: Folder | None = None
        self._store: SqliteOutbox | None = None
        self._waiting: asyncio.Task[None] | None = None
        self.failed = asyncio.Event()
        "Set if the folder was waited for in vain, so that the process has to end."

    async def open(self, configuration: Configuration) -> None:
        """Opens the store, if the configuration needs one and none is open.

        With `reuse_port` another process may still have the folder: it is waited for in the background, for
        `drain_timeout`. Raises StoreUnreadable, or OSError if the folder cannot be used.
        """
        if self._shared is not None:
            if not self._outboxes.is_open:
                await self._outboxes.open(self._shared.outbox(self._clock))
            return
        if self._store is not None or self._waiting is not None or not is_needed(configuration):
            return
        try:
            await self._open(configuration)
        except FolderInUse as error:
            if not configuration.reuse_port:
                raise OSError(str(error)) from error
            self._outboxes.is_awaited = True
            self._log.warning("store.awaited", detail=str(error))
            self._waiting = asyncio.get_running_loop().create_task(self._wait(configuration))

    async def prepare(self, present: Configuration, wanted: Configuration) -> None:
        """Opens the store for another configuration, or gives it other keys. Raises as `open`."""
        if self._store is None:
            await self.open(wanted)
            return
        if wanted.store.path != present.store.path:
            raise ValueError("`store.path` cannot change while the store is open: restart, or restore the old value")
        await self._store.replace_keys(await keys_of(wanted.store))

    async def close(self) -> None:
        """Closes the store, and leaves the folder to the next process."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait([self._waiting])
        await self._outboxes.close()
        if self._folder is not None:
            self._folder.close()

    async def _wait(self, configuration: Configuration) -> None:
        try:
            await self._open(configuration, wait=configuration.drain_timeout)
        except (FolderInUse, OSError, ValueError) as error:
            self._log.error("store.failed", detail=str(error))
            self.failed.set()
        else:
            self._log.info("store.opened")

    async def _open(self, configuration: Configuration, *, wait: float = 0.0) -> None:
        settings = configuration.store
        keys = await keys_of(settings)
        opening = await FileThreads().run(sqlite_outbox)
        folder = await Folder.open(
            folder_of(settings.path, self._environ), admin=str(configuration.admin.address), wait=wait
        )
        try:
            self._store = await opening(folder.path, keys=keys, clock=self._clock)
        except ValueError as error:
            folder.close()
            raise StoreUnreadable(str(error)) from error
        except OutboxUnavailable as error:
            folder.close()
            raise OSError(error.detail) from error
        self._folder = folder
        await self._outboxes.open(self._store)


def sqlite_outbox() -> "Callable[..., Awaitable[SqliteOutbox]]":
    """Returns what opens the store; a proxy without an outbox does not load SQLite."""
    from proxy.outbox.sqlite.store import SqliteOutbox  # noqa: PLC0415

    return SqliteOutbox.open


async def keys_of(settings: StoreSettings) -> "Keys":
    """Returns the keys of the file, or none. Raises StoreUnreadable, or OSError."""
    try:
        return await FileThreads().run(partial(_keys, settings.keys_file))
    except ValueError as error:
        raise StoreUnreadable(str(error)) from error


def _keys(path: Path | None) -> "Keys":
    from proxy.store.keys import Keys, read_keys  # noqa: PLC0415 - loads what encrypts

    return Keys() if path is None else read_keys(path)
