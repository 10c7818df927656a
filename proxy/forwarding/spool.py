"""Files for bodies that are too large for memory: without a name, so that nobody finds them and none is left behind."""

import asyncio
import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from proxy.errors import Draining, SpoolUnavailable
from proxy.threads import DaemonThreads

T = TypeVar("T")

PIECE = 256 << 10
"Octets that are read at a time."
AT_A_TIME = 8
"Accesses to the disk; it may hang, so no other part of the proxy uses these threads."
IDLE = 10.0
"Seconds after which a thread without work ends."
LIMIT = 10.0
"Seconds for one access, with the wait for a thread."
LAST_WAIT = 3.0
"Seconds for the folder to be removed at the end."


class Log(Protocol):
    """A structlog-like logger."""

    def warning(self, event: str, **fields: object) -> object:
        """Write what somebody should see."""
        ...


class Spool:
    """The folder of one process, readable by its user only; made in the system's folder for such (TMPDIR)."""

    def __init__(self, log: Log) -> None:
        """OSError if there is no folder to be had."""
        self._log = log
        self._threads = DaemonThreads("spool", most=AT_A_TIME, idle=IDLE)
        self._pending: set[asyncio.Future[Any]] = set()
        self._renewing = threading.Lock()
        self._folder = new_folder()

    async def open(self) -> "SpoolFile":
        """An empty file; OSError if there is none to be had, or not in time."""
        return SpoolFile(await self.access(self._create, late=self.discard), self)

    async def access(self, call: Callable[[], T], *, late: Callable[[T], object] | None = None) -> T:
        """What a call in a thread gives or raises; TimeoutError without errno if the disk hangs, Draining at a stop."""
        pending = self._threads.submit(call, timeout=LIMIT, late=late)
        self._pending.add(pending)
        pending.add_done_callback(self._pending.discard)
        return await pending

    def discard(self, file: IO[bytes]) -> None:
        """Close a file in a thread: on a dead server this hangs too."""
        with contextlib.suppress(OSError):  # without a thread, the interpreter closes it
            closing = self._threads.submit(file.close)
            closing.add_done_callback(asyncio.Future.exception)  # nobody wants the content any more

    def failed(self, error: OSError) -> None:
        """A body could not be spooled, and is streamed."""
        detail = "Bodies are streamed: make room there, or mend what is wrong."
        self._log.warning("spool.failed", folder=str(self._folder), reason=reason_of(error), detail=detail)

    def give_up(self) -> None:
        """Whoever waits for the disk is told of the stop."""
        for pending in list(self._pending):
            if not pending.done():
                pending.set_exception(Draining("The proxy was stopped before it had the whole message; send it again."))

    async def close(self) -> None:
        """The folder goes, if it can; a stop goes on without that, and files that are still open have no name in it."""
        with contextlib.suppress(OSError):
            await self._threads.submit(self._folder.rmdir, timeout=LAST_WAIT)

    def _create(self) -> IO[bytes]:
        """A new file. A folder that has gone, as cleaners of temporary folders do it, is made again."""
        try:
            return tempfile.TemporaryFile(buffering=0, dir=self._folder)
        except FileNotFoundError:
            with self._renewing:
                if not self._folder.is_dir():
                    self._folder = new_folder()
            return tempfile.TemporaryFile(buffering=0, dir=self._folder)


class SpoolFile:
    """The octets of one body; disks are slow, so each access goes through a thread."""

    __slots__ = ("_closed", "_file", "_guard", "_in_use", "_spool", "size")

    def __init__(self, file: IO[bytes], spool: Spool) -> None:
        self._file = file
        self._spool = spool
        self._guard = threading.Lock()
        self._in_use = self._closed = False
        self.size = 0

    async def append(self, octets: bytes) -> None:
        """All or nothing; OSError if the disk is full, SpoolUnavailable if it hangs."""
        try:
            await self._spool.access(partial(self._use, partial(self._write, memoryview(octets), self.size)))
        except TimeoutError as error:
            if error.errno is not None:  # the file system's own
                raise
            raise unavailable(error) from error
        self.size += len(octets)

    async def read(self, at: int) -> bytes:
        """A piece of the content; nothing at its end. SpoolUnavailable if the disk fails or hangs."""
        size = min(PIECE, self.size - at)
        try:
            return await self._spool.access(partial(self._use, lambda: os.pread(self._file.fileno(), size, at)))
        except OSError as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """It is gone, as soon as no thread uses it: its descriptor may be another file's afterwards."""
        with self._guard:
            idle, self._closed = not (self._in_use or self._closed), True
        if idle:
            self._spool.discard(self._file)

    def _use(self, call: Callable[[], T]) -> T:
        """The access of one call; runs in a thread."""
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
    """For people; what has no number is a time that is over."""
    return os.strerror(error.errno) if error.errno else f"no answer within {LIMIT:g} s"


def unavailable(error: OSError) -> SpoolUnavailable:
    """What the sender is told."""
    return SpoolUnavailable(
        f"The disk that has the body failed ({reason_of(error)}). The message was not delivered whole; send it again.",
        retry_after=1,
    )


def new_folder() -> Path:
    """A folder of this user's, with a name that nobody can foresee."""
    return Path(tempfile.mkdtemp(prefix="cpi-oauth-proxy-"))
