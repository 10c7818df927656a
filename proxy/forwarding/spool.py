"""Files for bodies that are too large for memory: without a name, so that nobody finds them and none is left behind."""

import contextlib
import os
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from proxy.threads import DaemonThreads

PIECE = 256 << 10
"Octets that are read at a time."
AT_A_TIME = 8
"Accesses to the disk; it may hang, so no other part of the proxy uses these threads."
IDLE = 10.0
"Seconds after which a thread without work ends."
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
        self._renewing = threading.Lock()
        self._folder = new_folder()

    async def open(self) -> "SpoolFile":
        """An empty file; OSError if there is none to be had."""
        return SpoolFile(await self._threads.submit(self._create), self._threads)

    def failed(self, error: OSError) -> None:
        """A body could not be spooled, and is streamed."""
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        self._log.warning(
            "spool.failed", folder=str(self._folder), reason=reason, detail="Bodies are streamed: make room there."
        )

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

    __slots__ = ("_file", "_threads", "size")

    def __init__(self, file: IO[bytes], threads: DaemonThreads) -> None:
        self._file = file
        self._threads = threads
        self.size = 0

    async def append(self, octets: bytes) -> None:
        """All or nothing; OSError if the disk is full."""
        await self._threads.submit(partial(self._write, memoryview(octets), self.size))
        self.size += len(octets)

    async def read(self, at: int) -> bytes:
        """A piece of the content; nothing at its end."""
        return await self._threads.submit(partial(os.pread, self._file.fileno(), min(PIECE, self.size - at), at))

    def close(self) -> None:
        """It is gone."""
        self._file.close()

    def _write(self, octets: memoryview, at: int) -> None:
        while octets:
            written = os.pwrite(self._file.fileno(), octets, at)
            octets, at = octets[written:], at + written


def new_folder() -> Path:
    """A folder of this user's, with a name that nobody can foresee."""
    return Path(tempfile.mkdtemp(prefix="cpi-oauth-proxy-"))
