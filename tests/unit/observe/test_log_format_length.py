"""Log lines have 16 KiB at most."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.observe.exchange_record import LONGEST_DETAIL, LONGEST_ID, LONGEST_SUBJECT, LONGEST_URL, ExchangeRecord
from proxy.observe.human_format import human_event, human_line
from proxy.observe.log_format import LONGEST_LINE, json_event, json_line, shortened
from tests.cases import cases

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
    """In written bytes."""
    return len(line.encode("utf-8", "backslashreplace"))


def ended(method: str, path: str, user: str, name: str, *texts: str) -> ExchangeRecord:
    """With long texts everywhere."""
    record = ExchangeRecord("\u00ff" * 128, method, path.encode("latin-1", "replace"))
    record.routed("r" * len(name), "o" * len(name))  # names contain letters, digits and little else
    record.authenticated(user)
    record.sender, record.upstream = "2001:db8::" + "f" * 29, "https://" + "u" * len(name) + record.path
    record.mpl_id, record.correlation_id, record.client_certificate, record.detail = texts
    record.code, record.status, record.upstream_status, record.diagnosis = "upstream_closed", 502, 999, "d" * 500
    record.end()
    return record


@given(st.lists(LONG, min_size=7, max_size=7))
def test_the_line_of_an_exchange_has_at_most_16_kib(texts: list[str]) -> None:
    """In JSON and for people."""
    record = ended("POST", *texts)
    line = json_line(record, "error")
    assert json.loads(line)["status"] == 502
    assert size(line) <= ROOM
    assert size(human_line(record, "error")) <= ROOM


def test_the_widest_characters_do_not_exceed_it() -> None:
    """In JSON twelve bytes each."""
    record = ended("M" * 40, "/" + "\xff" * 500, "\U0001f600" * 5000, "r" * 60, *["\U0001f600" * 200_000] * 4)
    assert size(json_line(record, "error")) <= ROOM
    assert size(human_line(record, "error")) <= ROOM


def test_only_texts_above_their_limit_are_cut() -> None:
    """With a mark."""
    record = ended(
        "POST", "/", "", "", "m" * LONGEST_ID, "c" * (LONGEST_ID + 1), "s" * LONGEST_SUBJECT, "d" * LONGEST_DETAIL
    )
    assert record.mpl_id == "m" * LONGEST_ID
    assert record.correlation_id == "c" * LONGEST_ID + "…"
    assert record.client_certificate == "s" * LONGEST_SUBJECT
    assert record.detail == "d" * LONGEST_DETAIL
    record.upstream = "u" * (LONGEST_URL + 1)
    record.end()
    assert record.upstream == "u" * LONGEST_URL + "…"


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=5))
def test_the_line_of_an_event_has_at_most_16_kib(fields: dict[str, Any]) -> None:
    """With its name, in JSON and for people."""
    line = json_event(None, "error", {**STAMPED, **{f"x{name}": value for name, value in fields.items()}})
    assert size(line) <= ROOM
    assert json.loads(line)["event"] == "config.rejected"
    for_people = human_event(None, "error", {**STAMPED, "where": "trace\n" * 3_000, **fields, "event": "x.y"})
    assert size(for_people) <= ROOM
    assert "x.y" in for_people


def rendered(fields: dict[str, Any]) -> dict[str, Any]:
    """As JSON."""
    found: dict[str, Any] = json.loads(json_event(None, "error", STAMPED | fields))
    return found


def test_an_event_that_fits_is_not_shortened() -> None:
    """Even a single long text."""
    assert rendered({"detail": "x" * 16_000}) == {**STAMPED, "detail": "x" * 16_000}


def test_both_ends_of_a_long_traceback_are_kept() -> None:
    """Where it began, and the error."""
    found = rendered({"where": "Traceback\n" + "x" * 100_000 + "\nValueError: boom"})["where"]
    assert found.startswith("Traceback")
    assert found.endswith("ValueError: boom")


def test_the_first_of_many_problems_are_kept_and_the_others_counted() -> None:
    """At the end."""
    found = rendered({"problems": [f"problem {number} {'x' * 100}" for number in range(1000)]})["problems"]
    assert [each.split()[1] for each in found[:-1]] == [str(number) for number in range(20)]
    assert found[-1] == "and 980 more"


@cases("value, short", (None, None), (True, True), (12345678, 12345678), (b"12345678", "b'…8'"))
def test_other_values_are_shortened_as_they_would_be_shown(value: Any, short: Any) -> None:
    """Numbers stay."""
    assert shortened(value, 4) == short


def test_an_event_that_stays_too_long_keeps_its_name_only() -> None:
    """Of 10,000 fields."""
    assert rendered({f"field {number}": number for number in range(10_000)}) == STAMPED
