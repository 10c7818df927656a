"""Large bodies as files: on the disk before the message is committed, removed after the commit that removes it.

What a crash leaves behind is swept at the next start. Each call runs in a thread, because a disk may hang.
"""

import asyncio
import os
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

from proxy.outbox.bodies import seal_body, unseal_body_piece
from proxy.outbox.failures import body_unreadable
from proxy.outbox.message import StoredBody
from proxy.outbox.sqlite import disk
from proxy.outbox.sqlite.failures import body_failed
from proxy.store.keys import OVERHEAD, PLAIN, Keys
from proxy.store.sealed_pieces import PIECE, place_of
from proxy.threads import DaemonThreads, ignore

T = TypeVar("T")

AT_A_TIME = 8
NAMES_AT_A_TIME = 500
IDLE = 10.0
"Seconds after which a thread without work ends."
LIMIT = 10.0
"Seconds for one access, including the wait for a thread."


class Bodies:
    """The files of one store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "bodies"
        self._threads = DaemonThreads("outbox-bodies", most=AT_A_TIME, idle=IDLE)
        self._run = secrets.token_hex(8)
        self._numbers = count()

    def make_folder(self) -> None:
        """Makes the folder if it is missing; blocks."""
        self._folder.mkdir(mode=0o700, exist_ok=True)

    async def keep(self, body: "bytes | StoredBody", keys: Keys, context: bytes) -> str:
        """Writes a body to a file; it is durable when this returns its name. Raises OutboxFull or OutboxUnavailable."""
        name = f"{self._run}-{next(self._numbers):x}"
        descriptor = await self._access(partial(disk.create, self._folder / name), late=os.close)
        try:
            await seal_body(body, keys, context, lambda _, piece: self._access(partial(disk.write, descriptor, piece)))
            await self._access(partial(self._sync, descriptor))
        except BaseException:
            self._do(partial(os.close, descriptor))
            self.remove([name])
            raise
        self._do(partial(os.close, descriptor))
        return name

    def file(self, name: str, size: int, keys: Callable[[], Keys], key_id: bytes, context: bytes) -> "FileBody":
        """Returns a body that was kept."""
        return FileBody(self._folder / name, size=size, keys=keys, key_id=key_id, context=context, access=self._access)

    def remove(self, names: Iterable[str]) -> None:
        """Removes files in a thread. What cannot be removed is swept at a later start."""
        names = tuple(names)
        if names:
            self._do(partial(self._remove_now, names))

    async def sweep(self, unknown: "Callable[[Sequence[str]], asyncio.Future[Sequence[str]]]") -> None:
        """Removes the files of earlier runs that `unknown` does not know, some hundred at a time."""
        listing = _Listing(self._folder)
        try:
            while names := await self._access(listing.names):
                earlier = [name for name in names if not name.startswith(self._run)]
                await self._access(partial(self._remove_now, await unknown(earlier)))
        finally:
            self._do(listing.close)

    def _remove_now(self, names: Iterable[str]) -> None:
        for name in names:
            disk.remove(self._folder / name)

    def _sync(self, descriptor: int) -> None:
        disk.sync(descriptor)
        disk.sync_folder(self._folder)

    def _do(self, call: Callable[[], None]) -> None:
        """Runs a call for which nobody waits."""
        with suppress(OSError):  # no thread can be started
            self._threads.submit(call).add_done_callback(ignore)

    async def _access(self, call: Callable[[], T], late: Callable[[T], object] | None = None) -> T:
        try:
            return await self._threads.submit(call, timeout=LIMIT, late=late)
        except OSError as error:
            raise body_failed(error) from error


class _Listing:
    """The names in a folder, some at a time. A thread may still read them when the listing is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._open = ExitStack()
        self._entries: Iterator[os.DirEntry[str]] | None = None

    def names(self) -> Sequence[str]:
        """Returns the next names; blocks."""
        with self._guard:
            if self._entries is None:
                self._entries = self._open.enter_context(os.scandir(self._folder))
            return [entry.name for entry in islice(self._entries, NAMES_AT_A_TIME)]

    def close(self) -> None:
        """Frees the folder; blocks while names are read."""
        with self._guard:
            self._open.close()
            self._entries = iter(())


class FileBody:
    """A body in a file. It can be read any number of times."""

    __slots__ = ("_access", "_context", "_key_id", "_keys", "_path", "size")

    def __init__(
        self,
        path: Path,
        *,
        size: int,
        keys: Callable[[], Keys],
        key_id: bytes,
        context: bytes,
        access: "Callable[[Callable[[], bytes]], Awaitable[bytes]]",
    ) -> None:
        self._path, self._keys, self._key_id, self._context, self._access = path, keys, key_id, context, access
        self.size = size

    async def read(self, at: int) -> bytes:
        """Returns a piece from the byte `at` on, or b"" at the end. Raises OutboxUnavailable."""
        if at >= self.size:
            return b""
        number = at // PIECE
        begin, _ = place_of(number, self._key_id)
        length = min(PIECE, self.size - number * PIECE) + (0 if self._key_id == PLAIN else OVERHEAD)
        sealed = await self._access(partial(_read, self._path, begin, length))
        if len(sealed) != length:
            raise body_unreadable("its file was cut")
        content = unseal_body_piece(self._keys(), self._key_id, sealed, self._context, number=number, size=self.size)
        return content[at - number * PIECE :]


def _read(path: Path, at: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(length)
