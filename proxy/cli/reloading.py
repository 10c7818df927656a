"""Reads the configuration again, on SIGHUP or when its file changes, and lets the proxy go on with it."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from proxy.app import App
from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.load import ConfigurationError
from proxy.config.model import Configuration
from proxy.observe.logger import Logger
from proxy.observe.reports import frames

WATCHED_EVERY = 1.0
"Seconds between two looks at the file."
KEPT = "The previous configuration stays active."


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


class ConfigurationWatcher:
    """Reloads when the file has new content; made before the configuration is read, so that no change is missed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.files = FileWatcher((file,), read=lambda: None, every=WATCHED_EVERY)

    def start(self, reloading: Reloading, log: Logger) -> None:
        """Watches the file until `close`."""
        self.files.start(changed=lambda _: reloading.want(), rejected=partial(self._rejected, log))

    async def close(self) -> None:
        """Stops watching."""
        await self.files.close()

    def _rejected(self, log: Logger, error: Exception) -> None:
        reason = (error.strerror if isinstance(error, OSError) else None) or reason_of(error)
        log.warning("config.unreadable", file=str(self._file), reason=reason, detail=KEPT)


def problems_of(error: Exception) -> list[str]:
    """One sentence each."""
    if isinstance(error, ConfigurationError):
        return [str(each) for each in error.problems]
    if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
        return [f"{error}; where an address of this proxy overlaps with it, restart"]
    return [str(error)]
