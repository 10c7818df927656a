"""A transport without a socket."""

import asyncio
from typing import Any


class MemoryTransport(asyncio.Transport):
    """Keeps what is written, and never calls back by itself."""

    def __init__(self, **extra: Any) -> None:
        super().__init__(extra)
        self.written = b""
        self.reading = True
        self.closed = self.aborted = self.ended = False
        self.buffered = 0
        "Octets that the other side has not taken."
        self.limit: int | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """After the end an error, as uvloop has it."""
        assert not self.ended, "written after write_eof"
        if not self.is_closing():
            self.written += bytes(data)

    def taken(self) -> bytes:
        """Since the last call."""
        written, self.written = self.written, b""
        return written

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        """Not yet taken."""
        return self.buffered

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del low
        self.limit = high
