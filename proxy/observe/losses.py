"""Reports spans that were not exported: counted from any thread, logged from the event loop's at most once a minute."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from proxy.observe.logger import Logger

INTERVAL = 60.0
"Seconds between two log lines."


class Losses:
    """Compares the spans that were made with those that the collector accepted."""

    def __init__(self, log: Logger, loop: asyncio.AbstractEventLoop, now: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._loop = loop
        self._now = now
        self._next = float("-inf")
        self._unreported = self._lost = 0
        self._reason: str | None = None
        self.made = 0
        "Spans to export; counted in the event loop's thread."
        self.accepted = 0
        "Spans that the collector accepted; counted in the exporter's thread."

    def lose(self, spans: int, reason: str) -> None:
        """Counts lost spans; callable from any thread."""
        with suppress(RuntimeError):  # the loop has ended, and the log with it
            self._loop.call_soon_threadsafe(self._note, spans, reason)

    def close(self, reason: str) -> None:
        """Logs what is not logged yet, and nothing afterwards; `reason` is for spans whose fate is unknown."""
        self._next = float("inf")
        unknown = self.made - self.accepted - self._lost
        if unknown > 0:
            self._unreported += unknown
            self._reason = reason
        if self._unreported:
            self._report()

    def _note(self, spans: int, reason: str) -> None:
        self._unreported += spans
        self._lost += spans
        self._reason = reason
        if self._now() >= self._next:
            self._next = self._now() + INTERVAL
            self._report()

    def _report(self) -> None:
        self._log.warning("traces.not_exported", spans=self._unreported, reason=self._reason)
        self._unreported, self._reason = 0, None
