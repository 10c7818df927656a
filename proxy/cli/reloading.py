"""Reads the configuration again, on SIGHUP or when its file changes, and lets the proxy go on with it."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from proxy.app import App
from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.files import FileTooLarge, read_file
from proxy.config.load import ConfigurationError
from proxy.config.model import Configuration
from proxy.observe.reports import frames

WATCHED_EVERY = 1.0
"Seconds between two looks at the file."
KEPT = "The configuration before goes on to hold."


class Reloading:
    """One after the other, from `start` to `close`; any number of wishes that come meanwhile are one."""

    def __init__(
        self,
        app: App,
        *,
        read: Callable[[], Configuration],
        taken: Callable[[Configuration], Awaitable[None]],
        begun: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        """`read` runs in a thread and may raise ConfigurationError; `taken` is told what holds now."""
        self._app = app
        self._read, self._taken, self._begun, self._ended = read, taken, begun, ended
        self._wanted = asyncio.Event()
        self._taking = self._closed = False
        self._threads = FileThreads()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From now on wishes are granted."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def want(self) -> None:
        """Let it be read again."""
        self._wanted.set()

    async def close(self) -> None:
        """Gives up what is being read, because a file may hang; ends after what is being applied."""
        self._closed = True
        if self._task is not None:
            if not self._taking:
                self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while not self._closed:
            await self._wanted.wait()
            self._wanted.clear()
            self._begun()
            try:
                await self._reload()
            finally:
                self._ended()

    async def _reload(self) -> None:
        try:
            configuration = await self._threads.run(self._read)
            prepared = await self._app.prepare(configuration)
            self._taking = True
            await self._app.apply(prepared)
        except (ConfigurationError, OSError, ValueError) as error:
            self._rejected(problems_of(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the serving
            self._rejected([f"{type(error).__name__} at {frames(error)}"])  # its text may hold a secret
        else:
            self._taking = False
            self._app.metrics.count_reload("reloaded")
            await self._taken(configuration)
        finally:
            self._taking = False

    def _rejected(self, problems: list[str]) -> None:
        self._app.metrics.count_reload("rejected")
        self._app.log.logger.error("config.rejected", problems=problems, detail=KEPT)


class Watch:
    """Wants a reload whenever the file has another content."""

    def __init__(self, file: Path, reloading: Reloading, app: App, *, seen: bytes) -> None:
        """`seen` is what stood in the file before it was read for the configuration that holds."""
        self._reloading, self._app, self._file, self._seen = reloading, app, file, seen
        self._is_readable = True
        self._following = FileWatcher(
            (file,),
            read=partial(read_file, file),
            taken=self._changed,
            unreadable=self._unreadable,
            every=WATCHED_EVERY,
        )

    def start(self) -> None:
        """From now on."""
        self._following.start()

    async def close(self) -> None:
        """No more."""
        await self._following.close()

    def _changed(self, content: bytes) -> None:
        if content != self._seen:
            self._reloading.want()
        self._seen, self._is_readable = content, True

    def _unreadable(self, error: Exception) -> None:
        """Once, for it may be on its way."""
        if self._is_readable:
            reason = (error.strerror if isinstance(error, OSError) else None) or reason_of(error)
            self._app.log.logger.warning("config.unreadable", file=str(self._file), reason=reason, detail=KEPT)
        self._is_readable = False


def content_of(file: Path) -> bytes:
    """Nothing where it cannot be read, which is told by whoever reads the configuration."""
    with suppress(OSError, FileTooLarge):
        return read_file(file)
    return b""


def problems_of(error: Exception) -> list[str]:
    """One sentence each."""
    if isinstance(error, ConfigurationError):
        return [str(each) for each in error.problems]
    if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
        return [f"{error}; where an address of this proxy overlaps with it, restart"]
    return [str(error)]
