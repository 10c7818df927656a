"""The store of the messages in outboxes: opened when a configuration first has an outbox, and closed at the end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.app.process_resources import ProcessResources
from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import FileWatcher, reason_of
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
        self._keys: FileWatcher[Keys] | None = None
        self._replacing: asyncio.Task[None] | None = None
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
        watcher = await keys_watcher(wanted.store)
        await self._replace(value_of(watcher))
        await self._watch(watcher)

    async def close(self) -> None:
        """Closes the store, and leaves the folder to the next process."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait([self._waiting])
        await self._watch(None)
        if self._replacing is not None:
            await asyncio.wait([self._replacing])
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
        watcher = await keys_watcher(settings)
        opening = await FileThreads().run(sqlite_outbox)
        folder = await Folder.open(
            folder_of(settings.path, self._environ), admin=str(configuration.admin.address), wait=wait
        )
        try:
            self._store = await opening(folder.path, keys=value_of(watcher), clock=self._clock)
        except ValueError as error:
            folder.close()
            raise StoreUnreadable(str(error)) from error
        except OutboxUnavailable as error:
            folder.close()
            raise OSError(error.detail) from error
        self._folder = folder
        await self._watch(watcher)
        await self._outboxes.open(self._store)

    async def _watch(self, watcher: "FileWatcher[Keys] | None") -> None:
        """Follows this keys file from now on, instead of another."""
        if self._keys is not None:
            await self._keys.close()
        self._keys = watcher
        if watcher is not None:
            watcher.start(changed=self._changed, rejected=self._rejected)

    def _changed(self, keys: "Keys") -> None:
        self._replacing = asyncio.get_running_loop().create_task(self._replace_after(self._replacing, keys))

    async def _replace_after(self, before: "asyncio.Task[None] | None", keys: "Keys") -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._replace(keys)
        except (OSError, ValueError) as error:
            self._rejected(error)

    async def _replace(self, keys: "Keys") -> None:
        """Encrypts with these keys. Raises StoreUnreadable or OSError."""
        if self._store is None or keys.ids == self._store.keys.ids:
            return
        try:
            await self._store.replace_keys(keys)
        except ValueError as error:
            raise StoreUnreadable(str(error)) from error
        except OutboxUnavailable as error:
            raise OSError(error.detail) from error
        self._log.info("store.keys_changed", up=True)

    def _rejected(self, error: Exception) -> None:
        self._log.warning("store.keys_rejected", detail=f"The keys stay as they were: {reason_of(error)}.")


def sqlite_outbox() -> "Callable[..., Awaitable[SqliteOutbox]]":
    """Returns what opens the store; a proxy without an outbox does not load SQLite."""
    from proxy.outbox.sqlite.store import SqliteOutbox  # noqa: PLC0415

    return SqliteOutbox.open


async def keys_watcher(settings: StoreSettings) -> "FileWatcher[Keys] | None":
    """Returns what follows the keys file, if there is one. Raises StoreUnreadable, or OSError."""
    path = settings.keys_file
    if path is None:
        return None
    try:
        return await FileThreads().run(partial(_new_watcher, path))
    except ValueError as error:
        raise StoreUnreadable(str(error)) from error


def _new_watcher(path: Path) -> "FileWatcher[Keys]":
    from proxy.store.keys import read_keys  # noqa: PLC0415 - loads what encrypts

    return FileWatcher((path,), read=partial(read_keys, path))


def value_of(watcher: "FileWatcher[Keys] | None") -> "Keys":
    """Returns the keys that a watcher has read; none without one."""
    from proxy.store.keys import Keys  # noqa: PLC0415 - loads what encrypts

    return Keys() if watcher is None else watcher.value
