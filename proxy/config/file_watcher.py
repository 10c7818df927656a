"""Reads files, and reads them again when they change, so that a new secret or certificate needs no restart.

A look is a `stat`, which also sees Kubernetes swap the symlink of a whole volume. Only files whose stamp changed are
read, and only new content is reported. Each watcher has threads of its own, so that a file that hangs delays no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from proxy.config.binding_folder import key_files
from proxy.config.file_threads import FileThreads
from proxy.config.files import read_file

T = TypeVar("T")

EVERY = 5.0
"Seconds between two looks."

Stamp = tuple[tuple[int, int, int], ...]
"Inode, size and modification time of each file."


def reason_of(error: Exception) -> str:
    """Returns what is wrong with a file; of unexpected errors only the class, because they may quote what they read."""
    return str(error) if isinstance(error, OSError | ValueError) else type(error).__name__


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """Returns what changes with the files; blocks; OSError if a file has no `stat`."""
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in map(Path.stat, paths))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files as one look found them."""

    stamp: Stamp
    content: tuple[bytes, ...]


class FileWatcher(Generic[T]):
    """The value that files hold: read at construction and, after `start`, again for each new content."""

    def __init__(
        self,
        paths: tuple[Path, ...],
        *,
        read: Callable[[], T],
        every: float = EVERY,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        threads: FileThreads | None = None,
    ) -> None:
        """Calls `read`, which blocks, and raises what it raises."""
        self._paths, self._read = paths, read
        self._every, self._sleep = every, sleep
        self._threads = threads or FileThreads()
        self._seen = self._first_snapshot()  # before the value: the next look finds what is written in between
        self._fault: tuple[tuple[bytes, ...] | None, str] | None = None
        self._changed: Callable[[T], None] = _ignore
        self._rejected: Callable[[Exception], None] = _ignore
        self._task: asyncio.Task[None] | None = None
        self.value = read()
        "The last valid one."

    def start(self, *, changed: Callable[[T], None], rejected: Callable[[Exception], None]) -> None:
        """Watches the files until `close`; without files, and when called again, does nothing.

        `changed` gets each new value. `rejected` gets what reading or `changed` raises, once for each cause; the files
        are read again at each look. It may be FileHangs, FileTooLarge, or any error of the libraries that read files.
        """
        if self._paths and self._task is None:
            self._changed, self._rejected = changed, rejected
            self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stops watching."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def look(self) -> None:
        """Looks at the files once, as the watcher does by itself every few seconds."""
        found: Snapshot | None = None
        try:
            found = await self._threads.run(partial(_snapshot, self._paths, self._seen))
            if self._seen is None or found.content != self._seen.content:
                value = await self._threads.run(self._read)
                self._changed(value)
                self.value = value
        except Exception as error:  # noqa: BLE001 - it is reported, and the files are read again
            fault = (found.content if found else None, f"{type(error).__name__}: {error}")
            if fault != self._fault:
                self._rejected(error)
            self._fault = fault
        else:
            self._seen, self._fault = found, None

    async def _watch(self) -> None:
        while True:
            await self.look()
            await self._sleep(self._every)

    def _first_snapshot(self) -> Snapshot | None:
        """Returns None if the files cannot be read: then `read` raises the reason, or the next look reads again."""
        try:
            return _snapshot(self._paths, None)
        except (OSError, ValueError):
            return None


def _snapshot(paths: tuple[Path, ...], seen: Snapshot | None) -> Snapshot:
    """Reads the files, unless their stamp is the one seen; blocks."""
    files = [file for path in paths for file in key_files(path)]
    stamp = stamp_of(files)
    if seen is not None and seen.stamp == stamp:
        return seen
    return Snapshot(stamp, tuple(read_file(file).rstrip(b"\r\n") for file in files))


def _ignore(_: object) -> None:
    """Stands for the callbacks before the start."""
