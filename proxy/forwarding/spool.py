"""Files for bodies that are too large for memory: without a name, so that nobody finds them and none is left behind."""

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, Protocol

PIECE = 256 << 10
"Octets that are read at a time."


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
        self._folder = Path(tempfile.mkdtemp(prefix="cpi-oauth-proxy-"))

    async def open(self) -> "SpoolFile":
        """An empty file; OSError if there is none to be had."""
        return SpoolFile(await asyncio.to_thread(tempfile.TemporaryFile, buffering=0, dir=self._folder))

    def failed(self, error: OSError) -> None:
        """A body could not be spooled, and is streamed."""
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        self._log.warning(
            "spool.failed", folder=str(self._folder), reason=reason, detail="Bodies are streamed: make room there."
        )

    async def close(self) -> None:
        """The folder goes, if nobody has cleaned up before; files that are still open have no name in it."""
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(self._folder.rmdir)


class SpoolFile:
    """The octets of one body; disks are slow, so each access goes through a thread."""

    __slots__ = ("_file", "size")

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0

    async def append(self, octets: bytes) -> None:
        """All or nothing; OSError if the disk is full."""
        await asyncio.to_thread(self._write, memoryview(octets), self.size)
        self.size += len(octets)

    async def read(self, at: int) -> bytes:
        """A piece of the content; nothing at its end."""
        return await asyncio.to_thread(os.pread, self._file.fileno(), min(PIECE, self.size - at), at)

    def close(self) -> None:
        """It is gone."""
        self._file.close()

    def _write(self, octets: memoryview, at: int) -> None:
        while octets:
            written = os.pwrite(self._file.fileno(), octets, at)
            octets, at = octets[written:], at + written
