"""Stores bodies that are too large for memory in files without a name, so that none can be found or left behind."""

import contextlib
import os
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import IO

from proxy.observe.log_format import Logger
from proxy.threads import DaemonThreads

PIECE = 256 << 10
"Bytes that are read at a time."
AT_A_TIME = 8
"Disk accesses at a time. A disk may hang, so no other part of the proxy uses these threads."
IDLE = 10.0
"Seconds after which an idle thread ends."
LAST_WAIT = 3.0
"Seconds for removing the folder at the end."


class Spool:
    """The folder of one process, readable by its user only, in the system's temporary folder (TMPDIR)."""

    def __init__(self, log: Logger) -> None:
        """Creates the folder. Raises OSError."""
        self._log = log
        self._threads = DaemonThreads("spool", most=AT_A_TIME, idle=IDLE)
        self._renewing = threading.Lock()
        self._folder = new_folder()

    async def open(self) -> "SpoolFile":
        """Creates an empty file. Raises OSError."""
        return SpoolFile(await self._threads.submit(self._create), self._threads)

    def failed(self, error: OSError) -> None:
        """Logs that a body could not be stored, and is streamed."""
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        self._log.warning(
            "spool.failed",
            folder=str(self._folder),
            reason=reason,
            detail="Bodies are streamed: free some space there.",
        )

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

    __slots__ = ("_file", "_threads", "size")

    def __init__(self, file: IO[bytes], threads: DaemonThreads) -> None:
        self._file = file
        self._threads = threads
        self.size = 0

    async def append(self, octets: bytes) -> None:
        """Appends all of the bytes, or raises OSError."""
        await self._threads.submit(partial(self._write, memoryview(octets), self.size))
        self.size += len(octets)

    async def read(self, at: int) -> bytes:
        """Returns a piece of the content, or b"" at its end."""
        return await self._threads.submit(partial(os.pread, self._file.fileno(), min(PIECE, self.size - at), at))

    def close(self) -> None:
        """Closes the file, which deletes it."""
        self._file.close()

    def _write(self, octets: memoryview, at: int) -> None:
        while octets:
            written = os.pwrite(self._file.fileno(), octets, at)
            octets, at = octets[written:], at + written


def new_folder() -> Path:
    """Creates a folder of this user, with an unpredictable name."""
    return Path(tempfile.mkdtemp(prefix="cpi-oauth-proxy-"))
