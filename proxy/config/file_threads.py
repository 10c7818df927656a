"""Threads for reading files: a file that hangs has a time limit, and holds up no other reader."""

from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import TypeVar

from proxy.config.files import READING
from proxy.threads import DaemonThreads

T = TypeVar("T")

LIMIT = 10.0
"Seconds for whatever reads files."
MOST_HANGING = 16
"Threads of one reader; each call that hangs keeps one until its file answers."


class FileHangs(TimeoutError):
    """A file was not read in time; the sentence names it where that is known."""


class FileThreads:
    """The threads of one reader of files, so that no other reader waits for a file that hangs."""

    def __init__(self, limit: float | None = None) -> None:
        self._limit = LIMIT if limit is None else limit
        self._threads = DaemonThreads("files", most=MOST_HANGING)

    async def run(self, call: Callable[[], T], *, late: Callable[[T], object] | None = None) -> T:
        """What the call returns or raises; FileHangs if it takes too long. Then `late` is given what comes too late."""
        context = Context()
        try:
            return await self._threads.submit(partial(context.run, call), timeout=self._limit, late=late)
        except TimeoutError as error:
            if error.errno is not None:  # the file system's own
                raise
            path = context.get(READING)
            which = f"the file {path}" if path else "a file server or DNS"
            raise FileHangs(f"{which} did not answer within {self._limit:g} s") from None
