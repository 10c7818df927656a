"""Log lines: what they hold, and that nobody can forge them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.log_format import _Stamp, human_event, human_line, json_line, printable, severity
from proxy.observe.process_log import ProcessLog

TEXT = st.text(max_size=30)


@st.composite
def accounts(draw: st.DrawFn) -> ExchangeRecord:
    """Accounts with anything in the fields that a sender or an upstream fills."""
    record = ExchangeRecord(draw(TEXT), "POST")
    record.route, record.oauth_client = draw(TEXT), draw(TEXT)
    record.mpl_id, record.correlation_id, record.detail = draw(TEXT), draw(TEXT), draw(TEXT)
    record.admitted(draw(TEXT))
    record.client_certificate = draw(TEXT)
    record.status = draw(st.sampled_from([200, 404, 502]))
    record.upstream_status = draw(st.sampled_from([0, 200]))
    record.code = draw(st.sampled_from(["", "upstream_closed"]))
    record.replays = draw(st.sampled_from([(), ("renew_token",), ("renew_token", "fetch_csrf")]))
    return record


@given(accounts())
def test_a_json_line_is_one_json_object_whatever_it_holds(record: ExchangeRecord) -> None:
    """It parses, it is one line, and the values come back as they were."""
    line = json_line(record, severity(record))
    found = json.loads(line)
    assert "\n" not in line
    assert (found["request_id"], found["route"], found["status"]) == (record.request_id, record.route, record.status)
    assert found.get("mpl_id", "") == record.mpl_id
    assert found.get("client_certificate", "") == record.client_certificate
    assert found.get("correlation_id", "") == record.correlation_id
    assert found.get("user", "") == record.user
    assert ("upstream_status" in found) == (record.upstream_status not in (0, record.status))


@given(accounts())
def test_a_human_line_holds_no_control_characters(record: ExchangeRecord) -> None:
    """Nobody writes to a terminal through the log."""
    assert human_line(record, severity(record)).isprintable()


def test_a_json_line_holds_all_that_an_exchange_is_known_by() -> None:
    """The names are those of the handbook."""
    record = ExchangeRecord("id-1", "POST", b"/orders?q")
    record.relayed(200)
    found = json.loads(json_line(record, severity(record)))
    assert set(found) == {
        *("timestamp", "level", "event", "request_id", "route", "oauth_client", "method", "path", "status", "made_by"),
        *("attempts", "token", "bytes_in", "bytes_out", "seconds", "token_seconds", "connect_seconds"),
        *("first_byte_seconds", "relay_seconds"),
    }
    assert found["event"] == "exchange.finished"


@pytest.mark.parametrize(
    ("status", "code", "level"),
    [(200, "", "info"), (200, "sender_left", "warning"), (404, "", "warning"), (502, "", "error")],
)
def test_the_level_follows_from_the_status(status: int, code: str, level: str) -> None:
    """5xx are errors; what the sender got wrong, and an answer that broke off, are warnings."""
    record = ExchangeRecord("id-1", "POST", b"/orders?q")
    record.status, record.code = status, code
    assert severity(record) == level


@contextmanager
def logging_to(file: Path, **how: object) -> Iterator[ProcessLog]:
    """A log that writes to a file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    settings = {"level": "info", "human": False} | how
    try:
        yield ProcessLog(LineWriter(descriptor), **settings)  # type: ignore[arg-type]
    finally:
        os.close(descriptor)


def finished(status: int) -> ExchangeRecord:
    """An exchange that ended with this status."""
    record = ExchangeRecord("id-1", "POST", b"/orders?q")
    record.status = status
    return record


def test_events_become_json_with_level_and_time(tmp_path: Path) -> None:
    """Structlog's event, with what every line has."""
    with logging_to(tmp_path / "log") as log:
        log.logger.warning("token.grant_failed", oauth_client="orders")
    found = json.loads((tmp_path / "log").read_text())
    assert (found["event"], found["level"], found["oauth_client"]) == ("token.grant_failed", "warning", "orders")
    assert found["timestamp"].endswith("Z")


def test_an_exception_stands_in_the_event(tmp_path: Path) -> None:
    """The trace is one field of the JSON line."""
    with logging_to(tmp_path / "log") as log:
        log.logger.error("exchange.crashed", exc_info=ValueError("boom"))
    assert "ValueError: boom" in json.loads((tmp_path / "log").read_text())["exception"]


def test_human_events_are_lines_without_controls(tmp_path: Path) -> None:
    """Name, fields and trace; escape sequences are gone."""
    with logging_to(tmp_path / "log", human=True) as log:
        log.logger.error("exchange.crashed", sender="\x1b[31m", exc_info=ValueError("boom"))
    text = (tmp_path / "log").read_text()
    assert "exchange.crashed sender=?[31m" in text
    assert "ValueError: boom" in text
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize(
    ("level", "written"),
    [("debug", [200, 404, 502]), ("info", [200, 404, 502]), ("warning", [404, 502]), ("error", [502])],
)
def test_the_level_decides_which_exchanges_are_written(tmp_path: Path, level: str, written: list[int]) -> None:
    """It can be changed while running."""
    with logging_to(tmp_path / "log") as log:
        log.set_level(level)
        for status in (200, 404, 502):
            log.exchange(finished(status))
        log.logger.debug("token.asked")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["status"] for line in lines if "status" in line] == written
    assert any(line["event"] == "token.asked" for line in lines) == (level == "debug")


@pytest.mark.parametrize("human", [False, True])
def test_lost_lines_are_told_as_any_other_event(tmp_path: Path, *, human: bool) -> None:
    """With time and level, in JSON or for people; the form changes with the configuration."""
    with logging_to(tmp_path / "log", human=not human) as log:
        log.apply(level="error", human=human)
        line = log.writer.dropped_line(7)
    if human:
        assert line[13:] == "warning log.dropped count=7"
    else:
        found = json.loads(line)
        assert {**found, "timestamp": ""} == {"timestamp": "", "level": "warning", "event": "log.dropped", "count": 7}
        assert next(iter(found)) == "timestamp"


def test_a_level_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """And the old one stays."""
    with logging_to(tmp_path / "log") as log:
        with pytest.raises(KeyError):
            log.set_level("loud")
        assert log.level == "info"


def test_a_sample_of_nothing_leaves_out_successes_and_nothing_else(tmp_path: Path) -> None:
    """What failed is always written."""
    with logging_to(tmp_path / "log", sample=0.0) as log:
        for status in (200, 404, 502):
            log.exchange(finished(status))
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["status"] for line in lines] == [404, 502]


def test_rich_is_not_loaded_for_the_log() -> None:
    """It would cost time and memory at each start."""
    code = "import sys, proxy.observe.process_log; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.text())
def test_printable_text_stays_and_every_other_character_is_marked(text: str) -> None:
    """Nothing is lost silently."""
    marked = printable(text)
    assert len(marked) == len(text)
    assert all(a == b if a.isprintable() else b == "?" for a, b in zip(text, marked, strict=True))


@given(st.dictionaries(TEXT, TEXT), TEXT)
def test_an_event_for_people_holds_no_control_characters(fields: dict[str, str], trace: str) -> None:
    """Neither in its fields nor in its trace, which quotes what somebody sent; a trace keeps its lines."""
    event = {"timestamp": "2026-01-02T03:04:05.678901Z", "level": "error", "event": "x.crashed", "exception": trace}
    lines = human_event(None, "error", {**fields, **event}).split("\n")
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith("03:04:05.678 error x.crashed")
    assert len(lines) == 1 + len(trace.splitlines())


def test_a_human_line_says_what_is_worth_saying() -> None:
    """And leaves out what there is not."""
    record = finished(200)
    assert human_line(record, severity(record))[13:] == (
        "info exchange.finished POST /orders 200 by upstream,"
        " in 0.0 ms (token 0.0, connection 0.0, first byte 0.0, relay 0.0), [id-1]"
    )

    record.route, record.token, record.mpl_id, record.replays = "orders", "renewed", "AG1", ("renew_token",)
    record.code, record.detail = "upstream_closed", "Gone."
    record.oauth_client, record.user, record.client_certificate = "neo", "erp", "CN=ERP"
    assert human_line(record, severity(record))[13:] == (
        "warning exchange.finished POST /orders 200 by upstream, from CN=ERP, route orders as neo, for erp,"
        " in 0.0 ms (token 0.0, connection 0.0, first byte 0.0, relay 0.0), token renewed, MPL AG1, after renew_token,"
        " upstream_closed: Gone., [id-1]"
    )


def test_stamps_are_iso_8601_in_utc_to_the_millisecond() -> None:
    """Within a second and over its end."""
    times = iter([1.0, 1.9996, 2.0, 86399.9995, 1_800_000_000.5])
    stamp = _Stamp(lambda: next(times))
    assert [stamp() for _ in range(5)] == [
        "1970-01-01T00:00:01.000Z",
        "1970-01-01T00:00:01.999Z",
        "1970-01-01T00:00:02.000Z",
        "1970-01-01T23:59:59.999Z",
        "2027-01-15T08:00:00.500Z",
    ]
