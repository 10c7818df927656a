"""Reads files of limited size, and remembers which one it reads, because a file server may not answer."""

from contextvars import ContextVar
from pathlib import Path

MOST_BYTES = 1 << 20
"Size limit of a file."
READING: ContextVar[Path] = ContextVar("READING")
"The file that was opened last."


class FileTooLarge(ValueError):
    """A file has more than 1 MiB."""


def read_file(path: Path) -> bytes:
    """Returns the content; OSError, FileTooLarge, or ValueError for a path that is not valid."""
    READING.set(path)
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise FileTooLarge(f"the file {path} is larger than 1 MiB; name the right one")
    return content
