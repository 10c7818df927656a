"""Stores bodies that are too large for memory in files without a name, so that none can be found or left behind."""

import asyncio
import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from proxy.errors import Draining, SpoolUnavailable
from proxy.observe.logger import Logger
from proxy.threads import DaemonThreads

ResultT = TypeVar("ResultT")

PIECE = 256 << 10
"Bytes that are read at a time."
AT_A_TIME = 8
"Disk accesses at a time. A disk may hang, so no other part of the proxy uses these threads."
IDLE = 10.0
"Seconds after which a thread without work ends."
LIMIT = 10.0
"Seconds for one access, including the wait for a thread."
LAST_WAIT = 3.0
"Seconds for removing the folder at the end."


class Spool:
    """The folder of one process, readable by its user only, in the system's temporary folder (TMPDIR)."""

    def __init__(self, log: Logger) -> None:
        """Creates the folder. Raises OSError."""
        self._log = log
        self._threads = DaemonThreads("spool", most=AT_A_TIME, idle=IDLE)
        self._pending: set[asyncio.Future[Any]] = set()
        self._renewing = threading.Lock()
        self._folder = new_folder()

    async def open(self) -> "SpoolFile":
        """Creates an empty file. Raises OSError, also if the disk hangs."""
        return SpoolFile(await self.access(self._create, late=self.discard), self)

    async def access(self, call: Callable[[], ResultT], *, late: Callable[[ResultT], object] | None = None) -> ResultT:
        """Runs a call in a thread. Raises TimeoutError without errno if the disk hangs, Draining at a stop."""
        pending = self._threads.submit(call, timeout=LIMIT, late=late)
        self._pending.add(pending)
        pending.add_done_callback(self._pending.discard)
        return await pending

    def discard(self, file: IO[bytes]) -> None:
        """Closes a file in a thread, because closing may hang too."""
        with contextlib.suppress(OSError):  # without a thread, the interpreter closes it
            closing = self._threads.submit(file.close)
            closing.add_done_callback(asyncio.Future.exception)  # the content is not needed any more

    def failed(self, error: OSError) -> None:
        """Logs that a body could not be stored, and is streamed."""
        detail = "Bodies are streamed: free some space there, or repair the disk."
        self._log.warning("spool.failed", folder=str(self._folder), reason=reason_of(error), detail=detail)

    def give_up(self) -> None:
        """Ends all waiting for the disk, because the proxy stops."""
        for pending in list(self._pending):
            if not pending.done():
                pending.set_exception(Draining("The proxy was stopped before it had the whole message; send it again."))

    async def close(self) -> None:
        """Removes the folder, if possible. Files that are still open have no name in it."""
        with contextlib.suppress(OSError):
            await self._threads.submit(self._folder.rmdir, timeout=LAST_WAIT)

    def _create(self) -> IO[bytes]:
        """Creates a file, and the folder again if a cleaner of temporary folders has removed it."""
        try:
            return tempfile.TemporaryFile(buffering=0, dir=self._folder)
        except FileNotFoundError:
            with self._renewing:
                if not self._folder.is_dir():
                    self._folder = new_folder()
            return tempfile.TemporaryFile(buffering=0, dir=self._folder)


class SpoolFile:
    """The bytes of one body. Disks are slow, so each access runs in a thread."""

    __slots__ = ("_closed", "_file", "_guard", "_in_use", "_spool", "size")

    def __init__(self, file: IO[bytes], spool: Spool) -> None:
        self._file = file
        self._spool = spool
        self._guard = threading.Lock()
        self._in_use = self._closed = False
        self.size = 0

    async def append(self, octets: bytes) -> None:
        """Appends all of the bytes. Raises OSError if the disk is full, SpoolUnavailable if it hangs."""
        try:
            await self._spool.access(partial(self._use, partial(self._write, memoryview(octets), self.size)))
        except TimeoutError as error:
            if error.errno is not None:  # the file system's own
                raise
            raise unavailable(error) from error
        self.size += len(octets)

    async def read(self, at: int) -> bytes:
        """Returns a piece of the content, or b"" at its end. Raises SpoolUnavailable if the disk fails or hangs."""
        size = min(PIECE, self.size - at)
        try:
            return await self._spool.access(partial(self._use, lambda: os.pread(self._file.fileno(), size, at)))
        except OSError as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Closes the file as soon as no thread uses it, because its descriptor may be reused then."""
        with self._guard:
            idle, self._closed = not (self._in_use or self._closed), True
        if idle:
            self._spool.discard(self._file)

    def _use(self, call: Callable[[], ResultT]) -> ResultT:
        """Runs one access in a thread."""
        with self._guard:
            if self._closed:
                raise OSError(errno.EBADF, "closed")
            self._in_use = True
        try:
            return call()
        finally:
            self._release()

    def _release(self) -> None:
        with self._guard:
            self._in_use = False
            last = self._closed
        if last:
            self._file.close()

    def _write(self, octets: memoryview, at: int) -> None:
        while octets:
            written = os.pwrite(self._file.fileno(), octets, at)
            octets, at = octets[written:], at + written


def reason_of(error: OSError) -> str:
    """Returns the reason as text. An error without a number is a timeout."""
    return os.strerror(error.errno) if error.errno else f"no answer within {LIMIT:g} s"


def unavailable(error: OSError) -> SpoolUnavailable:
    """Returns the error for the sender."""
    return SpoolUnavailable(
        f"The disk with the body failed ({reason_of(error)}). The message was not delivered completely; send it again.",
        retry_after=1,
    )


def new_folder() -> Path:
    """Creates a folder of this user, with an unpredictable name."""
    return Path(tempfile.mkdtemp(prefix="cpi-oauth-proxy-"))
