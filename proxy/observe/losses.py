"""Spans that were not exported: noted in whatever thread, told in that of the event loop, and not too often."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from proxy.observe.logger import Logger

INTERVAL = 60.0
"Seconds from one line to the next."


class Losses:
    """Compares what was made with what was taken; `lose` may be called in any thread."""

    def __init__(self, log: Logger, loop: asyncio.AbstractEventLoop, now: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._loop = loop
        self._now = now
        self._next = float("-inf")
        self._count = self._noted = 0
        self._reason: str | None = None
        self.made = 0
        "Spans that were to be exported; counted in the event loop."
        self.taken = 0
        "By the collector; counted where it is sent to."

    def lose(self, spans: int, reason: str) -> None:
        """So many more."""
        with suppress(RuntimeError):  # the loop has ended: there is nobody left to tell
            self._loop.call_soon_threadsafe(self._note, spans, reason)

    def close(self, reason: str) -> None:
        """Tells of what was not told yet, with a reason for what nobody knows one of; nothing is told after it."""
        self._next = float("inf")
        unknown = self.made - self.taken - self._noted
        if unknown > 0:
            self._count += unknown
            self._reason = reason
        if self._count:
            self._tell()

    def _note(self, spans: int, reason: str) -> None:
        self._count += spans
        self._noted += spans
        self._reason = reason
        if self._now() >= self._next:
            self._next = self._now() + INTERVAL
            self._tell()

    def _tell(self) -> None:
        self._log.warning("traces.not_exported", spans=self._count, reason=self._reason)
        self._count, self._reason = 0, None
