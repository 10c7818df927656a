"""Redirects to the log what libraries, the event loop and the interpreter would write to standard error.

Their messages and tracebacks quote what senders have sent, and a write to a pipe that is not read would block the
process. The log gets only the source of the report, the type of the error, and its place in the code.
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
"Seconds from the first report to the line that counts the reports that were not written."
FRAMES = 8
"Innermost frames that are logged."
_WORDS = re.compile(r"[A-Za-z][A-Za-z_ '.,!-]*")


class Report(NamedTuple):
    """What is logged of a report; the number of places in the code bounds the number of different reports."""

    source: str
    error: str
    where: str


class Reports(logging.Handler):
    """Accepts reports in any thread, and logs them in the event loop's thread."""

    def __init__(self, log: Logger, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._loop = loop
        self._thread = threading.get_ident()
        self._repeats: Repeats[Report] = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Adds a log record of a library."""
        error = record.exc_info[1] if record.exc_info else None
        place = f"{short(record.pathname)}:{record.lineno}"
        self.add(record.name, error, where=f"{place} < {frames(error)}" if error else place)

    def add(self, source: str, error: BaseException | None, *, where: str = "", said: str = "") -> None:
        """Adds a report; `said` is the constant part of its message."""
        report = Report(source, type(error).__name__ if error else "", where or frames(error))
        if threading.get_ident() == self._thread:
            self._write(report, said)
        else:
            with suppress(RuntimeError):  # the loop has ended, and the log with it
                self._loop.call_soon_threadsafe(self._write, report, said)

    def end(self) -> None:
        """Logs how many reports were not written, and starts the next interval."""
        for report, count in self._repeats.end().items():
            self._log.warning("library.repeated", source=report.source, where=report.where, count=count)

    def _write(self, report: Report, said: str) -> None:
        if not self._repeats and not self._loop.is_closed():
            self._loop.call_later(INTERVAL, self.end)
        if self._repeats.admits(report):
            self._log.error("library.reported", source=report.source, error=report.error, where=report.where, said=said)


@contextmanager
def reporting(log: Logger, loop: asyncio.AbstractEventLoop, *, fatal: bool = True) -> Iterator[None]:
    """Keeps everything but the log off standard error while the context is open.

    An exception that leaves the context is reported too and ends the process with status 1, unless `fatal` is false
    because the caller handles it.
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
    """Reports only the words of the event loop's message that precede inserted values."""
    said = _WORDS.match(context.get("message") or "")
    reports.add("event loop", context.get("exception"), said=said[0].rstrip() if said else "")


def frames(error: BaseException | None) -> str:
    """Returns where an error was raised, innermost frame first, without its message."""
    found = list(traceback.walk_tb(error.__traceback__ if error else None))
    places = [f"{short(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}" for frame, line in found]
    return " < ".join(reversed(places[-FRAMES:]))


def short(path: str) -> str:
    """Returns the file's name and folder; the rest of the path says nothing about the code."""
    return "/".join(path.split("/")[-2:])
