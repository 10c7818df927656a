"""Reads files, with a limit of size and, in threads of the reader's own, a limit of time.

A file may be on a server that does not answer. Then only its own reader waits.
"""

from collections.abc import Callable
from contextvars import Context, ContextVar
from functools import partial
from pathlib import Path
from typing import TypeVar

from proxy.threads import DaemonThreads

T = TypeVar("T")

MOST_BYTES = 1 << 20
"Size limit of a file."
LIMIT = 10.0
"Seconds for a call that reads files."
MOST_HANGING = 16
"Threads of one reader; each call that hangs keeps one until its file answers."
READING: ContextVar[Path] = ContextVar("READING")
"The file that was opened last."


class FileTooLarge(ValueError):
    """A file has more than 1 MiB."""


class FileHangs(TimeoutError):
    """A file was not read in time; the message names the file, if it is known."""


def read_file(path: Path) -> bytes:
    """Returns the content; OSError, FileTooLarge, or ValueError for a path that is not valid."""
    READING.set(path)
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise FileTooLarge(f"the file {path} is larger than 1 MiB, name the right one")
    return content


class FileThreads:
    """The threads of one reader of files."""

    def __init__(self, limit: float | None = None) -> None:
        self._limit = LIMIT if limit is None else limit
        self._threads = DaemonThreads("files", most=MOST_HANGING)

    async def run(self, call: Callable[[], T], *, late: Callable[[T], object] | None = None) -> T:
        """Returns or raises what the call does; FileHangs if it takes too long. `late` gets a result after that."""
        context = Context()
        try:
            return await self._threads.submit(partial(context.run, call), timeout=self._limit, late=late)
        except TimeoutError as error:
            if error.errno is not None:  # the file system's own
                raise
            path = context.get(READING)
            which = f"the file {path}" if path else "a file server or DNS"
            raise FileHangs(f"{which} did not answer within {self._limit:g} s") from None
