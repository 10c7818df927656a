"""Which lines are written, and how."""

import json
import os
import subprocess
import sys

import pytest

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog
from tests.cases import cases
from tests.fakes.log import LogLines


@pytest.fixture
def lines() -> LogLines:
    """The lines that were written."""
    return LogLines()


def process_log(lines: LineWriter, *, human: bool = False, sample: float = 1.0) -> ProcessLog:
    """At level info."""
    return ProcessLog(lines, level="info", human=human, sample=sample)


def finish_exchanges(log: ProcessLog) -> None:
    """With 200, 404 and 502."""
    for status in (200, 404, 502):
        record = ExchangeRecord("id-1", "POST", b"/orders?q")
        record.status = status
        log.exchange(record)


def statuses(lines: LogLines) -> list[int]:
    """That were written."""
    return [line["status"] for line in lines.named("exchange.finished")]


def test_an_event_has_time_level_name_and_fields(lines: LogLines) -> None:
    """In this order."""
    process_log(lines).logger.warning("token.grant_failed", oauth_client="orders")
    (event,) = map(json.loads, lines.text)
    assert event.pop("timestamp").endswith("Z")
    assert list(event.items()) == [("level", "warning"), ("event", "token.grant_failed"), ("oauth_client", "orders")]


def test_a_human_event_has_level_name_and_fields(lines: LogLines) -> None:
    """Escapes are marked."""
    process_log(lines, human=True).logger.error("exchange.crashed", sender="\x1b[31m", error="ValueError")
    (text,) = lines.text
    assert text.endswith(' error exchange.crashed sender="\\u001b[31m" error=ValueError')


@cases(
    "level, written", ("debug", [200, 404, 502]), ("info", [200, 404, 502]), ("warning", [404, 502]), ("error", [502])
)
def test_the_level_decides_what_is_written(lines: LogLines, level: str, written: list[int]) -> None:
    """At any time."""
    log = process_log(lines)
    log.set_level(level)
    finish_exchanges(log)
    log.logger.debug("token.asked")
    assert statuses(lines) == written
    assert bool(lines.named("token.asked")) == (level == "debug")


def test_an_unknown_level_is_refused(lines: LogLines) -> None:
    """The old level stays."""
    log = process_log(lines)
    with pytest.raises(KeyError):
        log.set_level("loud")
    assert log.level == "info"


def test_a_sample_of_zero_leaves_out_successes_only(lines: LogLines) -> None:
    """Not failures."""
    finish_exchanges(process_log(lines, sample=0.0))
    assert statuses(lines) == [404, 502]


@cases("human", False, True)
def test_dropped_lines_are_reported_as_any_other_event(lines: LogLines, *, human: bool) -> None:
    """In the present form."""
    log = process_log(lines, human=not human)
    log.apply(level="error", human=human)
    line = lines.dropped_line(7)
    if human:
        assert line[13:] == "warning log.dropped count=7"
    else:
        assert list(json.loads(line).items())[1:] == [("level", "warning"), ("event", "log.dropped"), ("count", 7)]


def test_lines_reach_the_descriptor() -> None:
    """Those of exchanges, too."""
    reading, writing = os.pipe()
    log = process_log(LineWriter(writing))
    log.logger.info("proxy.started")
    finish_exchanges(log)
    os.close(writing)
    with os.fdopen(reading) as reader:
        events = [json.loads(line)["event"] for line in reader]
    assert events == ["proxy.started", *["exchange.finished"] * 3]


def test_rich_is_not_loaded_for_the_log() -> None:
    """Start-up would pay."""
    code = "import sys, proxy.observe.process_log; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_two_logs_of_one_process_do_not_disturb_each_other() -> None:
    """As with a check on request."""
    first, second = LogLines(), LogLines()
    one = process_log(first)
    ProcessLog(second, level="error", human=True)
    one.logger.info("proxy.started")
    assert [len(first.text), len(second.text)] == [1, 0]
