"""Lines that nobody can forge."""

import json
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.log_format import _Stamp, json_event, json_line, printable, severity
from tests.cases import cases

TEXT = st.text(max_size=30)
FREE = (
    "request_id",
    "route",
    "oauth_client",
    "mpl_id",
    "correlation_id",
    "detail",
    "user",
    "client_certificate",
    "sender",
    "upstream",
)
"The fields of a record that a sender or an upstream can fill with anything."


def recorded(fields: Mapping[str, object]) -> ExchangeRecord:
    """With these values."""
    record = ExchangeRecord("id-1", "POST", b"/orders?q")
    for name, value in fields.items():
        setattr(record, name, value)
    return record


RECORDS = st.fixed_dictionaries(
    dict.fromkeys(FREE, TEXT)
    | {
        "status": st.sampled_from([200, 404, 502]),
        "upstream_status": st.sampled_from([0, 200]),
        "code": st.sampled_from(["", "upstream_closed"]),
        "replays": st.sampled_from([(), ("renew_token",), ("renew_token", "fetch_csrf")]),
    }
).map(recorded)


@given(RECORDS)
def test_a_json_line_is_one_object_whatever_it_holds(record: ExchangeRecord) -> None:
    """In one line, without loss."""
    line = json_line(record, severity(record))
    found = json.loads(line)
    assert "\n" not in line
    for name in FREE:
        if name != "detail":
            assert found.get(name, "") == getattr(record, name), name
    assert found.get("detail", "") == (record.detail if record.code else "")
    assert found["status"] == record.status
    assert ("upstream_status" in found) == (record.upstream_status not in (0, record.status))


@given(st.text())
def test_printable_marks_every_other_character(text: str) -> None:
    """With one character."""
    assert printable(text) == "".join(each if each.isprintable() else "?" for each in text)


@cases(
    "status, code, level", (200, "", "info"), (200, "sender_left", "warning"), (404, "", "warning"), (502, "", "error")
)
def test_the_level_follows_from_status_and_code(status: int, code: str, level: str) -> None:
    """5xx: errors; faults of senders: warnings."""
    assert severity(recorded({"status": status, "code": code})) == level


def test_stamps_are_iso_8601_in_utc_with_milliseconds() -> None:
    """Also at the end of a second."""
    times = iter([1.0, 1.9996, 2.0, 86399.9995, 1_800_000_000.5])
    stamp = _Stamp(lambda: next(times))
    assert [stamp() for _ in range(5)] == [
        "1970-01-01T00:00:01.000Z",
        "1970-01-01T00:00:01.999Z",
        "1970-01-01T00:00:02.000Z",
        "1970-01-01T23:59:59.999Z",
        "2027-01-15T08:00:00.500Z",
    ]


@given(st.text(st.sampled_from("a\x7f\x85\x9b\u2028\u2029\n\r\x1c")))
def test_an_event_is_one_line_without_controls(text: str) -> None:
    """It can be read back."""
    line = json_event(None, "debug", {"event": "x.y", "field": text})
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert json.loads(line)["field"] == text
