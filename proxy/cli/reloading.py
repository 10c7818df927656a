"""Reloads the configuration on SIGHUP or when its file changes."""

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


class Reloader:
    """Runs one reload at a time, from `start` to `close`; requests that arrive during one are combined."""

    def __init__(
        self,
        app: App,
        *,
        read: Callable[[], Configuration],
        applied: Callable[[Configuration], Awaitable[None]],
        begun: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        """`read` runs in a thread and may raise ConfigurationError; `applied` gets the one that is now active."""
        self._app = app
        self._read, self._applied, self._begun, self._ended = read, applied, begun, ended
        self._requested = asyncio.Event()
        self._applying = self._closed = False
        self._threads = FileThreads()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the task that reloads."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def request(self) -> None:
        """Requests a reload."""
        self._requested.set()

    async def close(self) -> None:
        """Cancels a reload that still reads, because a file may hang; waits for one that is being applied."""
        self._closed = True
        if self._task is not None:
            if not self._applying:
                self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while not self._closed:
            await self._requested.wait()
            self._requested.clear()
            self._begun()
            try:
                await self._reload()
            finally:
                self._ended()

    async def _reload(self) -> None:
        try:
            configuration = await self._threads.run(self._read)
            prepared = await self._app.prepare(configuration)
            self._applying = True
            await self._app.apply(prepared)
        except (ConfigurationError, OSError, ValueError) as error:
            self._rejected(problems_of(error))
        except Exception as error:  # noqa: BLE001 - a bug must not end the proxy
            self._rejected([f"{type(error).__name__} at {frames(error)}"])  # its text may hold a secret
        else:
            self._applying = False
            self._app.metrics.count_reload("reloaded")
            await self._applied(configuration)
        finally:
            self._applying = False

    def _rejected(self, problems: list[str]) -> None:
        self._app.metrics.count_reload("rejected")
        self._app.log.logger.error("config.rejected", problems=problems, detail=KEPT)


class ConfigurationWatcher:
    """Reloads when the file has new content; made before the configuration is read, so that no change is missed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.files = FileWatcher((file,), read=lambda: None, every=WATCHED_EVERY)

    def start(self, reloader: Reloader, log: Logger) -> None:
        """Watches the file until `close`."""
        self.files.start(changed=lambda _: reloader.request(), rejected=partial(self._rejected, log))

    async def close(self) -> None:
        """Stops watching."""
        await self.files.close()

    def _rejected(self, log: Logger, error: Exception) -> None:
        reason = (error.strerror if isinstance(error, OSError) else None) or reason_of(error)
        log.warning("config.unreadable", file=str(self._file), reason=reason, detail=KEPT)


def problems_of(error: Exception) -> list[str]:
    """Returns one sentence for each problem."""
    if isinstance(error, ConfigurationError):
        return [str(each) for each in error.problems]
    if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
        return [f"{error}; if it overlaps with another address of this proxy, restart the proxy"]
    return [str(error)]
