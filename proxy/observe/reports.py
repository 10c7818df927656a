"""What libraries, the event loop and the interpreter would write to standard error goes to the log instead.

Their texts and traces quote what senders have sent, and a write to a pipe that nobody reads would hold up the process.
So only this is told: who reports, the kind of the error, and where in the code.
"""

import asyncio
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from proxy.observe.logger import Logger
from proxy.observe.repeats import Repeats

INTERVAL = 1.0
"Seconds from the first report to the line that counts those that have none of their own."
FRAMES = 8
"Innermost ones that are told."
_WORDS = re.compile(r"[A-Za-z][A-Za-z_ '.,!-]*")


class Report(NamedTuple):
    """What is told; there are as many as there are places in the code."""

    source: str
    error: str
    where: str


class Reports(logging.Handler):
    """Takes reports in any thread, and writes them in that of the event loop."""

    def __init__(self, log: Logger, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._loop = loop
        self._thread = threading.get_ident()
        self._repeats: Repeats[Report] = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """A library logs."""
        error = record.exc_info[1] if record.exc_info else None
        place = f"{short(record.pathname)}:{record.lineno}"
        self.add(record.name, error, where=f"{place} < {frames(error)}" if error else place)

    def add(self, source: str, error: BaseException | None, *, where: str = "", said: str = "") -> None:
        """Somebody reports something."""
        report = Report(source, type(error).__name__ if error else "", where or frames(error))
        if threading.get_ident() == self._thread:
            self._write(report, said)
        else:
            with suppress(RuntimeError):  # the loop has ended: there is nobody left to tell
                self._loop.call_soon_threadsafe(self._write, report, said)

    def end(self) -> None:
        """Tells how many had no line of their own; the next second begins."""
        for report, count in self._repeats.end().items():
            self._log.warning("library.repeated", source=report.source, where=report.where, count=count)

    def _write(self, report: Report, said: str) -> None:
        if not self._repeats and not self._loop.is_closed():
            self._loop.call_later(INTERVAL, self.end)
        if self._repeats.admits(report):
            self._log.error("library.reported", source=report.source, error=report.error, where=report.where, said=said)


@contextmanager
def reporting(log: Logger, loop: asyncio.AbstractEventLoop, *, fatal: bool = True) -> Iterator[None]:
    """Nobody else writes to standard error meanwhile.

    An exception that leaves the context is reported too, and ends the process with 1, unless somebody outside handles
    such: then it is not `fatal`.
    """
    reports, root = Reports(log, loop), logging.getLogger()

    def show_warning(message: Any, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any) -> None:  # noqa: ARG001
        reports.add(category.__name__, None, where=f"{short(filename)}:{lineno}")

    before = warnings.showwarning, threading.excepthook, sys.unraisablehook
    root.addHandler(reports)
    loop.set_exception_handler(lambda _, context: _loop_failed(reports, context))
    warnings.showwarning = show_warning
    threading.excepthook = lambda failed: reports.add("thread", failed.exc_value)
    sys.unraisablehook = lambda failed: reports.add("interpreter", failed.exc_value)
    try:
        yield
    except Exception as error:
        if not fatal:
            raise
        reports.add("process", error)
        raise SystemExit(1) from error
    finally:
        reports.end()
        root.removeHandler(reports)
        loop.set_exception_handler(None)
        warnings.showwarning, threading.excepthook, sys.unraisablehook = before


def _loop_failed(reports: Reports, context: dict[str, Any]) -> None:
    """Of the event loop's message the words before anything that it fills in."""
    said = _WORDS.match(context.get("message") or "")
    reports.add("event loop", context.get("exception"), said=said[0].rstrip() if said else "")


def frames(error: BaseException | None) -> str:
    """Where an error came from, innermost frame first, without its text."""
    found = list(traceback.walk_tb(error.__traceback__ if error else None))
    places = [f"{short(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}" for frame, line in found]
    return " < ".join(reversed(places[-FRAMES:]))


def short(path: str) -> str:
    """A file and its folder; the rest belongs to the machine."""
    return "/".join(path.split("/")[-2:])
