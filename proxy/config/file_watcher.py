"""Follows files, so that what changes in them needs no restart.

Looks at them by `stat`, which also sees Kubernetes swap the symlink of a whole volume; reads them only when that
changed, and speaks up only when the content did. A file that hangs keeps threads of its own follower only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
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
"Of each file: inode, size and time of change."


def reason_of(error: Exception) -> str:
    """What is wrong with a file, for people; of unforeseen errors the kind alone, for they may quote what they read."""
    return str(error) if isinstance(error, OSError | ValueError) else type(error).__name__


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """What changes with the files; OSError where one cannot be looked at. Looks at files."""
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in map(Path.stat, paths))


class FileWatcher(Generic[T]):
    """Calls `taken` with what was read, once for each content of the files, the one at the first look included."""

    def __init__(
        self,
        paths: tuple[Path, ...],
        *,
        read: Callable[[], T],
        taken: Callable[[T], None],
        unreadable: Callable[[Exception], None],
        every: float = EVERY,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        threads: FileThreads | None = None,
    ) -> None:
        """`read` runs in a thread. `unreadable` is told of whatever it or `taken` raises.

        So it is of FileHangs, if the files do not answer in time, and of FileTooLarge. What is wrong with a file may be
        any error of the libraries that read it; none of them ends the following.
        """
        self._paths = paths
        self._read, self._taken, self._unreadable = read, taken, unreadable
        self._every, self._sleep = every, sleep
        self._threads = threads or FileThreads()
        self._stamp: Stamp | None = None
        self._content: tuple[bytes, ...] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the files, if there are any."""
        if self._paths and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _follow(self) -> None:
        while True:
            await self._once()
            await self._sleep(self._every)

    async def _once(self) -> None:
        """Look, and tell if there is something new; what cannot be read yet is looked at again."""
        try:
            stamp, content = await self._threads.run(partial(self._look, self._stamp, self._content))
            if content != self._content:
                self._taken(await self._threads.run(self._read))
        except Exception as error:  # noqa: BLE001 - it is told, and the next content is looked at
            self._unreadable(error)
            return
        self._stamp, self._content = stamp, content

    def _look(self, stamp: Stamp | None, content: tuple[bytes, ...] | None) -> tuple[Stamp, tuple[bytes, ...] | None]:
        """Return stamp and content, read anew only if the stamp differs. Runs in a thread."""
        paths = [file for path in self._paths for file in key_files(path)]
        seen = stamp_of(paths)
        if seen == stamp:
            return seen, content
        return seen, tuple(read_file(path).rstrip(b"\r\n") for path in paths)
