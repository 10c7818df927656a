"""Request bodies, read in pieces: counted, digested, and kept only if a flow echoes them."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from typing import IO

from aiohttp import StreamReader, web

START = 64 << 10
"Number of bytes of each body that are kept."

SWALLOWED = 2 << 20
"Tomcat's maxSwallowSize: bytes of a refused body that are read, so that the answer is not lost in a reset."

_BLOCK = 1 << 20


class ReceivedBody:
    """The body of one request; with `keep` it is kept whole, in a file from the first MiB on."""

    def __init__(self, *, keep: bool = False) -> None:
        self.size = 0
        self.start = b""
        self.complete = False
        self._digest = hashlib.sha256()
        self._keep = keep
        self._block = bytearray()
        self._file: IO[bytes] | None = None

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the bytes that were read."""
        return self._digest.hexdigest()

    async def read(self, stream: StreamReader, *, limit: float = float("inf")) -> None:
        """Reads until the body ends or exceeds `limit` bytes; a body that is cut off stays incomplete."""
        while self.size <= limit and not self.complete:
            try:
                chunk = await stream.readany()
            except (ConnectionError, web.RequestPayloadError):
                return
            await self._feed(chunk)
            self.complete = stream.at_eof()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the kept body."""
        if self._file is not None:
            await asyncio.to_thread(self._file.seek, 0)
            while block := await asyncio.to_thread(self._file.read, _BLOCK):
                yield block
        yield bytes(self._block)

    async def close(self) -> None:
        """Deletes the file."""
        if self._file is not None:
            await asyncio.to_thread(self._file.close)

    async def _feed(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._digest.update(chunk)
        if len(self.start) < START:
            self.start += chunk[: START - len(self.start)]
        if self._keep:
            self._block += chunk
        if len(self._block) >= _BLOCK:
            await asyncio.to_thread(self._spill)

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._file.write(self._block)
        self._block.clear()


async def swallow(stream: StreamReader) -> None:
    """Reads and discards the rest of a refused body, up to Tomcat's limit."""
    await ReceivedBody().read(stream, limit=SWALLOWED)
