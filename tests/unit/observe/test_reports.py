"""Libraries, event loop and interpreter report to the log, not to standard error."""

import asyncio
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proxy.observe import reports
from proxy.observe.process_log import ProcessLog
from proxy.observe.reports import Reports, frames, reporting
from tests.cases import cases
from tests.fakes.log import LogLines

SECRET = "cAnAryAuthorization"


@pytest.fixture
def lines() -> LogLines:
    """As logged."""
    return LogLines()


@pytest.fixture
def log(lines: LogLines) -> ProcessLog:
    """The log."""
    return ProcessLog(lines, level="info", human=False)


@pytest.fixture
def quiet(log: ProcessLog, capfd: pytest.CaptureFixture[str], lines: LogLines) -> Iterator[asyncio.AbstractEventLoop]:
    """Standard error stays empty, the log without the secret."""
    loop = asyncio.new_event_loop()
    with reporting(log.logger, loop):
        yield loop
    loop.close()
    assert capfd.readouterr().err == ""
    assert SECRET not in "".join(lines.text)


def fail() -> None:
    """Quotes the secret."""
    raise ValueError(f"bad field Authorization: {SECRET}")


def in_a_callback(loop: asyncio.AbstractEventLoop) -> None:
    """With the secret as argument."""
    loop.call_soon(lambda _: fail(), SECRET)
    loop.call_soon(loop.stop)
    loop.run_forever()


def in_a_library(_loop: asyncio.AbstractEventLoop) -> None:
    """The secret is in message and traceback."""
    try:
        fail()
    except ValueError:
        logging.getLogger("aiohttp.server").exception(f"Error handling request {SECRET}")  # noqa: G004


def in_a_library_without_an_error(_loop: asyncio.AbstractEventLoop) -> None:
    """A warning."""
    logging.getLogger("asyncio").warning("socket.send() raised: %s", SECRET)


def in_a_thread(loop: asyncio.AbstractEventLoop) -> None:
    """A thread ends with an exception."""
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join(30.0)
    loop.call_soon(loop.stop)  # reports of other threads are logged in the next turn
    loop.run_forever()


class Failing:
    """In its finalizer."""

    def __del__(self) -> None:
        fail()


def in_a_finalizer(_loop: asyncio.AbstractEventLoop) -> None:
    """Nothing can catch it."""
    failing = [Failing()]
    failing.clear()


def as_a_warning(_loop: asyncio.AbstractEventLoop) -> None:
    """Of the interpreter."""
    warnings.showwarning(UserWarning(SECRET), UserWarning, "/home/somebody/proxy/x.py", 7)


@cases(
    "happens, source, error, said",
    (in_a_callback, "event loop", "ValueError", "Exception in callback in_a_callback."),
    (in_a_library, "aiohttp.server", "ValueError", ""),
    (in_a_library_without_an_error, "asyncio", "", ""),
    (in_a_thread, "thread", "ValueError", ""),
    (in_a_finalizer, "interpreter", "ValueError", ""),
    (as_a_warning, "UserWarning", "", ""),
)
def test_a_report_has_its_source_the_error_type_and_the_place(
    quiet: asyncio.AbstractEventLoop,
    lines: LogLines,
    happens: Callable[[asyncio.AbstractEventLoop], None],
    source: str,
    error: str,
    said: str,
) -> None:
    """Without messages."""
    happens(quiet)
    (line,) = lines.named("library.reported")
    assert line["source"] == source
    assert line["error"] == error
    assert line["said"].startswith(said)
    assert line["where"]
    if error:
        assert "observe/test_reports.py:" in line["where"]
        assert "in fail" in line["where"]


def test_a_file_is_named_with_its_folder_only(quiet: asyncio.AbstractEventLoop, lines: LogLines) -> None:
    """Not the machine's path."""
    as_a_warning(quiet)
    assert [each["where"] for each in lines.named("library.reported")] == ["proxy/x.py:7"]


def test_a_flood_from_one_place_becomes_ten_lines(quiet: asyncio.AbstractEventLoop, lines: LogLines) -> None:
    """Others have their own."""
    for _ in range(7000):
        in_a_library_without_an_error(quiet)
    assert len(lines.named("library.reported")) == 10
    as_a_warning(quiet)
    assert len(lines.named("library.reported")) == 11


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A new one."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@cases("interval", 0.0, 1.0)
def test_the_rest_of_a_flood_is_counted(
    lines: LogLines, log: ProcessLog, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, interval: float
) -> None:
    """By interval, or at the end."""
    monkeypatch.setattr(reports, "INTERVAL", interval)
    with reporting(log.logger, loop):
        for _ in range(12):
            in_a_library_without_an_error(loop)
        loop.call_later(0.0, loop.stop)
        loop.run_forever()
        assert len(lines.named("library.repeated")) == (interval == 0)
    (line,) = lines.named("library.repeated")
    assert line["source"] == "asyncio"
    assert line["count"] == 2
    assert line["level"] == "warning"


def test_a_fatal_exception_is_reported_and_ends_the_process_with_1(
    lines: LogLines, log: ProcessLog, loop: asyncio.AbstractEventLoop
) -> None:
    """Python's traceback could block."""
    with pytest.raises(SystemExit) as ended, reporting(log.logger, loop):
        fail()
    assert ended.value.code == 1
    (line,) = lines.named("library.reported")
    assert line["source"] == "process"
    assert line["error"] == "ValueError"
    assert SECRET not in str(lines.text)


def test_an_exception_that_is_not_fatal_is_left_to_the_caller(
    lines: LogLines, log: ProcessLog, loop: asyncio.AbstractEventLoop
) -> None:
    """It shows it itself."""
    with pytest.raises(ValueError, match=SECRET), reporting(log.logger, loop, fatal=False):
        fail()
    assert lines.text == []


def hooks() -> list[Any]:
    """But the loop's handler."""
    return [warnings.showwarning, threading.excepthook, sys.unraisablehook, *logging.getLogger().handlers]


def test_reporting_restores_all_hooks(log: ProcessLog, loop: asyncio.AbstractEventLoop) -> None:
    """And the loop's handler."""
    before = hooks()
    with reporting(log.logger, loop):
        assert loop.get_exception_handler() is not None
    assert loop.get_exception_handler() is None
    assert hooks() == before


def test_a_report_after_the_end_of_the_loop_does_no_harm(
    lines: LogLines, log: ProcessLog, loop: asyncio.AbstractEventLoop
) -> None:
    """Other threads log nothing then."""
    loop.close()
    late = Reports(log.logger, loop)
    late.add("late", None, where="here")
    thread = threading.Thread(target=late.add, args=("later", None), kwargs={"where": "there"})
    thread.start()
    thread.join(30.0)
    assert [each["source"] for each in lines.named("library.reported")] == ["late"]


def test_the_innermost_frames_of_a_deep_traceback_are_kept() -> None:
    """The fault comes first."""

    def dig(depth: int) -> None:
        if depth == 0:
            fail()
        dig(depth - 1)

    with pytest.raises(ValueError) as failed:
        dig(30)
    functions = [frame.rpartition(" in ")[2] for frame in frames(failed.value).split(" < ")]
    assert functions == ["fail", *["dig"] * (reports.FRAMES - 1)]
    assert frames(None) == ""
