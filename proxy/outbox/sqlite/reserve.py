"""Room that is kept in reserve, so that an outbox that filled the disk can still deliver and commit.

Without the reserve nothing is accepted. It is made again when there is room for it and as much again: otherwise the
next message would only use it up.
"""

import os
from pathlib import Path

from proxy.outbox.sqlite import disk

SIZE = 16 << 20
"More than the write-ahead log needs between two checkpoints."
PIECE = 1 << 20


class Reserve:
    """A file that is deleted when the disk is full. Each call blocks."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "reserve"
        self._size = SIZE
        self.is_there = False

    def make(self) -> bool:
        """Makes the file if it is missing, and there is room for it; returns whether it is there."""
        if self.is_there:
            return True
        try:
            self.is_there = self._path.exists() and self._path.stat().st_size == self._size
            if not self.is_there and disk.free_bytes(self._path.parent) >= 2 * self._size:
                self._write()
        except OSError:  # no room, or no disk: the next acceptance tries again
            self.release()
        return self.is_there

    def has_room(self, octets: int) -> bool:
        """Returns whether the disk has room for so many bytes besides; true if it does not say."""
        try:
            return disk.free_bytes(self._path.parent) >= octets
        except OSError:
            return True

    def release(self) -> None:
        """Gives the room back."""
        self.is_there = False
        try:
            disk.remove(self._path)
        except OSError:  # then the commit that needs the room says what is wrong
            return

    def _write(self) -> None:
        disk.remove(self._path)
        descriptor = disk.create(self._path)
        try:
            for _ in range(self._size // PIECE):
                disk.write(descriptor, bytes(PIECE))
            disk.sync(descriptor)
        finally:
            os.close(descriptor)
        self.is_there = True
