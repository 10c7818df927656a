"""What the outbox itself does to files; SQLite does the rest. Each call blocks, and raises OSError."""

import os
from contextlib import suppress
from pathlib import Path


def create(path: Path) -> int:
    """Creates a file for this user only; returns its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def write(descriptor: int, octets: bytes) -> None:
    """Writes all of the bytes."""
    rest = memoryview(octets)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync(descriptor: int) -> None:
    """Returns when what was written is on the disk."""
    os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    """Returns when the names of the folder's files are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Removes a file, if it is there."""
    with suppress(FileNotFoundError):
        path.unlink()


def free_bytes(path: Path) -> int:
    """Returns how many bytes this user may still write there."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize
