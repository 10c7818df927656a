"""Threads for reading files: a file that hangs has a time limit, and delays no other reader.

Apart from files.py, because a command that only reads a configuration does without asyncio, which takes long to import.
"""

from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import TypeVar

from proxy.config.files import READING
from proxy.threads import DaemonThreads

T = TypeVar("T")

LIMIT = 10.0
"Seconds for a call that reads files."
MOST_HANGING = 16
"Threads of one reader; each call that hangs keeps one until its file answers."


class FileHangs(TimeoutError):
    """A file was not read in time; the message names the file, if it is known."""


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
