"""What libraries, the event loop and the interpreter would write to standard error."""

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
from tests.fakes.log import LogLines

SECRET = "cAnAryAuthorization"


@pytest.fixture
def lines() -> LogLines:
    """What was logged."""
    return LogLines()


@pytest.fixture
def log(lines: LogLines) -> ProcessLog:
    """Where it is logged."""
    return ProcessLog(lines, level="info", human=False)


@pytest.fixture
def quiet(log: ProcessLog, capfd: pytest.CaptureFixture[str], lines: LogLines) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop while everything is reported; at the end nothing was written to standard error, and no secret logged."""
    loop = asyncio.new_event_loop()
    with reporting(log.logger, loop):
        yield loop
    loop.close()
    assert capfd.readouterr().err == ""
    assert SECRET not in "".join(lines.text)


def fail() -> None:
    """Raise what quotes a secret."""
    raise ValueError(f"bad field Authorization: {SECRET}")


def in_a_callback(loop: asyncio.AbstractEventLoop) -> None:
    """The loop calls something that fails, with a secret among its arguments."""
    loop.call_soon(lambda _: fail(), SECRET)
    loop.call_soon(loop.stop)
    loop.run_forever()


def in_a_library(_loop: asyncio.AbstractEventLoop) -> None:
    """A library logs an error, its text and its trace with a secret."""
    try:
        fail()
    except ValueError:
        logging.getLogger("aiohttp.server").exception(f"Error handling request {SECRET}")  # noqa: G004


def in_a_library_without_an_error(_loop: asyncio.AbstractEventLoop) -> None:
    """A library warns."""
    logging.getLogger("asyncio").warning("socket.send() raised: %s", SECRET)


def in_a_thread(loop: asyncio.AbstractEventLoop) -> None:
    """A thread ends by an exception."""
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join(30.0)
    loop.call_soon(loop.stop)  # what other threads report comes in a turn of the loop
    loop.run_forever()


class Failing:
    """Fails when it goes."""

    def __del__(self) -> None:
        fail()


def in_a_finalizer(_loop: asyncio.AbstractEventLoop) -> None:
    """Something fails where nobody can catch it."""
    failing = [Failing()]
    failing.clear()


def as_a_warning(_loop: asyncio.AbstractEventLoop) -> None:
    """The interpreter warns."""
    warnings.showwarning(UserWarning(SECRET), UserWarning, "/home/somebody/proxy/x.py", 7)


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (in_a_callback, ("event loop", "ValueError", "Exception in callback in_a_callback.")),
        (in_a_library, ("aiohttp.server", "ValueError", "")),
        (in_a_library_without_an_error, ("asyncio", "", "")),
        (in_a_thread, ("thread", "ValueError", "")),
        (in_a_finalizer, ("interpreter", "ValueError", "")),
        (as_a_warning, ("UserWarning", "", "")),
    ],
)
def test_it_is_told_without_its_text(
    quiet: asyncio.AbstractEventLoop,
    lines: LogLines,
    happens: Callable[[asyncio.AbstractEventLoop], None],
    told: tuple[str, str, str],
) -> None:
    """Who reports, the kind of the error, and where in the code."""
    happens(quiet)
    (line,) = lines.named("library.reported")
    assert (line["source"], line["error"]) == told[:2]
    assert line["said"].startswith(told[2])
    if line["error"]:
        assert "observe/test_reports.py:" in line["where"]
        assert "in fail" in line["where"]
    assert line["where"]


def test_the_path_of_the_machine_is_not_told(quiet: asyncio.AbstractEventLoop, lines: LogLines) -> None:
    """A file is named with its folder alone."""
    as_a_warning(quiet)
    assert [each["where"] for each in lines.named("library.reported")] == ["proxy/x.py:7"]


def test_a_flood_becomes_few_lines(quiet: asyncio.AbstractEventLoop, lines: LogLines) -> None:
    """Ten of each place, then how many more there were; the next second has lines of its own."""
    for _ in range(7000):
        in_a_library_without_an_error(quiet)
    assert len(lines.named("library.reported")) == 10
    as_a_warning(quiet)
    assert len(lines.named("library.reported")) == 11


def test_of_a_flood_the_number_is_told(lines: LogLines, log: ProcessLog) -> None:
    """When its second is over, or nothing more comes."""
    loop = asyncio.new_event_loop()
    with reporting(log.logger, loop):
        for _ in range(12):
            in_a_library_without_an_error(loop)
    loop.close()
    (line,) = lines.named("library.repeated")
    assert (line["source"], line["count"], line["level"]) == ("asyncio", 2, "warning")


def test_the_second_is_one_of_the_loop_s(lines: LogLines, log: ProcessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to come for the number to be told."""
    monkeypatch.setattr(reports, "INTERVAL", 0.0)
    loop = asyncio.new_event_loop()
    with reporting(log.logger, loop):
        for _ in range(12):
            in_a_library_without_an_error(loop)
        loop.call_later(0.0, loop.stop)
        loop.run_forever()
        assert len(lines.named("library.repeated")) == 1
    loop.close()


def test_what_ends_the_process_is_told_and_ends_it_with_1(lines: LogLines, log: ProcessLog) -> None:
    """Python would write its trace to standard error, and wait there for a reader."""
    loop = asyncio.new_event_loop()
    with pytest.raises(SystemExit) as ended, reporting(log.logger, loop):
        fail()
    loop.close()
    assert ended.value.code == 1
    (line,) = lines.named("library.reported")
    assert (line["source"], line["error"], SECRET in str(lines.text)) == ("process", "ValueError", False)


def test_an_exception_that_somebody_handles_is_left_to_them(lines: LogLines, log: ProcessLog) -> None:
    """A command shows it in its own way."""
    loop = asyncio.new_event_loop()
    with pytest.raises(ValueError, match=SECRET), reporting(log.logger, loop, fatal=False):
        fail()
    loop.close()
    assert lines.text == []


def test_afterwards_all_is_as_before(log: ProcessLog) -> None:
    """Hooks, handlers, and the loop's own way."""
    before: Any = (warnings.showwarning, threading.excepthook, sys.unraisablehook, list(logging.getLogger().handlers))
    loop = asyncio.new_event_loop()
    with reporting(log.logger, loop):
        assert loop.get_exception_handler() is not None
    assert loop.get_exception_handler() is None
    loop.close()
    after: Any = (warnings.showwarning, threading.excepthook, sys.unraisablehook, list(logging.getLogger().handlers))
    assert after == before


def test_a_report_after_the_end_of_the_loop_harms_nobody(lines: LogLines, log: ProcessLog) -> None:
    """In its own thread it is written, in another one there is nobody left to write it."""
    loop = asyncio.new_event_loop()
    loop.close()
    found = Reports(log.logger, loop)
    found.add("late", None, where="here")
    thread = threading.Thread(target=found.add, args=("later", None), kwargs={"where": "there"})
    thread.start()
    thread.join(30.0)
    assert [each["source"] for each in lines.named("library.reported")] == ["late"]


def test_of_a_deep_trace_the_innermost_frames_are_told() -> None:
    """The place of the fault comes first."""

    def dig(depth: int) -> None:
        if depth == 0:
            fail()
        dig(depth - 1)

    with pytest.raises(ValueError) as failed:
        dig(30)
    told = frames(failed.value).split(" < ")
    assert (len(told), told[0].endswith(" in fail"), told[-1].endswith(" in dig")) == (reports.FRAMES, True, True)
    assert frames(None) == ""
