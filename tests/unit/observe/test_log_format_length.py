"""The length of log lines: at most 16 KiB, whatever others have written into it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.observe.exchange_record import LONGEST_DETAIL, LONGEST_ID, LONGEST_SUBJECT, ExchangeRecord
from proxy.observe.log_format import LONGEST_LINE, human_event, human_line, json_event, json_line, severity, shortened

ROOM = LONGEST_LINE - 1
"Without the line end."
LONG = st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=5), st.sampled_from([0, 1, 100, 4_000]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | LONG | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=25) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=6,
)
STAMPED = {"timestamp": "2026-01-02T03:04:05.678Z", "level": "error", "event": "config.rejected"}


def size(line: str) -> int:
    """Octets, as the writer makes them."""
    return len(line.encode("utf-8", "backslashreplace"))


@given(st.lists(LONG, min_size=8, max_size=8))
def test_the_line_of_an_exchange_has_at_most_16_kib(texts: list[str]) -> None:
    """Neither an answer's ids nor a subject, a user, a name or a path of any length make it longer."""
    record = ExchangeRecord("i" * 128, "POST", texts[0].encode("utf-8", "replace"))
    record.routed("r" * len(texts[1]), "o" * len(texts[2]))  # names have letters, digits and little else
    record.admitted(texts[3])
    record.mpl_id, record.correlation_id, record.client_certificate, record.detail = texts[4:]
    record.code, record.status, record.diagnosis = "upstream_closed", 502, "d" * 500
    record.end()
    line = json_line(record, severity(record))
    assert size(line) <= ROOM
    assert json.loads(line)["status"] == 502
    assert size(human_line(record, severity(record))) <= ROOM


def test_the_widest_characters_do_not_make_it_longer() -> None:
    """Those beyond the basic plane take twelve octets each in JSON."""
    record = ExchangeRecord("\u00ff" * 128, "M" * 40, b"/\xff" * 500)
    record.routed("r" * 5000, "o" * 5000)
    record.admitted("\U0001f600" * 5000)
    record.mpl_id = record.correlation_id = record.client_certificate = record.detail = "\U0001f600" * 200_000
    record.code, record.status, record.upstream_status, record.diagnosis = "upstream_closed", 502, 999, "d" * 500
    record.end()
    assert size(json_line(record, "error")) <= ROOM
    assert size(human_line(record, "error")) <= ROOM


def test_texts_of_a_usual_length_stay_as_they_are() -> None:
    """What is longer ends with a sign that it was cut."""
    record = ExchangeRecord("id", "POST")
    record.mpl_id, record.correlation_id = "m" * LONGEST_ID, "c" * (LONGEST_ID + 1)
    record.client_certificate, record.detail = "s" * LONGEST_SUBJECT, "d" * LONGEST_DETAIL
    record.end()
    assert record.mpl_id == "m" * LONGEST_ID
    assert record.correlation_id == "c" * LONGEST_ID + "…"
    assert record.client_certificate == "s" * LONGEST_SUBJECT
    assert record.detail == "d" * LONGEST_DETAIL


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=5))
def test_the_line_of_an_event_has_at_most_16_kib(fields: dict[str, Any]) -> None:
    """It is one JSON object still, with its name; so is the line for people."""
    line = json_event(None, "error", {**STAMPED, **{f"x{name}": value for name, value in fields.items()}})
    assert size(line) <= ROOM
    assert json.loads(line)["event"] == "config.rejected"
    for_people = human_event(None, "error", {**STAMPED, "where": "trace\n" * 3_000, **fields, "event": "x.y"})
    assert size(for_people) <= ROOM
    assert "x.y" in for_people


def test_an_event_that_fits_is_not_shortened() -> None:
    """Also where one of its texts is long."""
    event = {**STAMPED, "detail": "x" * 16_000}
    assert json.loads(json_event(None, "error", event)) == event


def test_of_a_long_trace_both_ends_are_left() -> None:
    """The beginning tells where, the end tells what."""
    trace = "Traceback\n" + "x" * 100_000 + "\nValueError: boom"
    found = json.loads(json_event(None, "error", {**STAMPED, "where": trace}))["where"]
    assert (found[:9], found[-16:]) == ("Traceback", "ValueError: boom")


def test_of_many_problems_the_first_are_left() -> None:
    """And how many there are beside them."""
    event = {**STAMPED, "problems": [f"problem {number} {'x' * 100}" for number in range(1000)]}
    found = json.loads(json_event(None, "error", event))["problems"]
    assert (len(found), found[0][:9], found[-1]) == (21, "problem 0", "and 980 more")


@pytest.mark.parametrize(("value", "short"), [(None, None), (True, True), (12345678, 12345678), (b"12345678", "b'…8'")])
def test_what_is_no_text_is_shortened_as_it_would_be_shown(value: Any, short: Any) -> None:
    """Numbers stay numbers."""
    assert shortened(value, 4) == short


def test_what_cannot_be_shortened_enough_is_left_out() -> None:
    """A thousand fields are no more than the name of the event."""
    event = {**STAMPED, **{f"field {number}": number for number in range(10_000)}}
    assert json.loads(json_event(None, "error", event)) == STAMPED
