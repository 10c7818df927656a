"""A request body as it arrives: counted, digested, and kept only as far as somebody needs it."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from typing import IO

from aiohttp import StreamReader, web

START = 64 << 10
"What is kept of every body."

SWALLOWED = 2 << 20
"Tomcat's maxSwallowSize: so much of a refused body is read on, so that the answer is not lost in a reset."

_BLOCK = 1 << 20


class Body:
    """The body of one request; `keep` is for flows that send it back, and keeps what exceeds a block in a file."""

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
        """Hexadecimal digest of all that was read."""
        return self._digest.hexdigest()

    async def read(self, stream: StreamReader, *, limit: float = float("inf")) -> None:
        """Read on until the body ends or exceeds `limit` bytes; a body that its sender cut off stays incomplete."""
        while self.size <= limit and not self.complete:
            try:
                chunk = await stream.readany()
            except (ConnectionError, web.RequestPayloadError):
                return
            await self._feed(chunk)
            self.complete = stream.at_eof()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The kept body once more."""
        if self._file is not None:
            await asyncio.to_thread(self._file.seek, 0)
            while block := await asyncio.to_thread(self._file.read, _BLOCK):
                yield block
        yield bytes(self._block)

    async def close(self) -> None:
        """Give the file back."""
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
    """Read what is left of a refused body, up to Tomcat's limit, and forget it."""
    await Body().read(stream, limit=SWALLOWED)
