"""Lines for people: 80 columns, quoted values, colours on request, no forgery."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.human_format import WIDTH, human_event, human_line
from proxy.observe.log_format import severity
from tests.cases import cases
from tests.unit.observe.test_log_format import RECORDS, TEXT, recorded

STAMPED = {"timestamp": "2026-01-02T03:04:05.678Z", "level": "error", "event": "x.crashed"}
RESET = "\x1b[0m"


def line(fields: Mapping[str, object]) -> str:
    """Without its time."""
    record = recorded(fields)
    return human_line(record, severity(record))[13:]


def event(**fields: Any) -> str:
    """Without its time."""
    return human_event(None, "error", {**STAMPED, **fields})[13:]


@given(RECORDS)
def test_an_exchange_has_no_control_characters(record: ExchangeRecord) -> None:
    """And it is one line."""
    assert human_line(record, severity(record)).isprintable()


@given(st.dictionaries(TEXT, TEXT))
def test_an_event_has_no_control_characters(fields: dict[str, str]) -> None:
    """It is one line."""
    text = human_event(None, "error", {**fields, **STAMPED})
    assert text.isprintable()
    assert text.startswith("03:04:05.678 error x.crashed")


@given(RECORDS, st.integers(0, 300), st.sampled_from(["GET", "UPDATEREDIRECTREF", "X" * 32]), st.floats(0, 9e6))
def test_a_success_is_one_row_of_80_columns(record: ExchangeRecord, length: int, method: str, seconds: float) -> None:
    """The first six are there."""
    record.method, record.path, record.total_seconds = method, "/" + "p" * length, seconds
    record.status, record.code, record.route = 200, "", record.route or "orders"
    row = human_line(record, "info")
    assert len(row) <= WIDTH
    assert row[12:17] == " 200 "
    assert row.split()[2][:3] == method[:3]


def test_what_an_operator_looks_for_comes_first() -> None:
    """Then what has room."""
    record = recorded(
        {"status": 200, "route": "orders", "total_seconds": 0.01234, "token": "cached", "sender": "192.0.2.7"}
    )
    assert human_line(record, "info")[13:] == "200 POST /orders orders 12.3 ms sender=192.0.2.7 request_id=id-1"
    assert human_line(record, "info")[2:3] == ":"


@cases("path, shown", ("/http/orders", "/http/orders"), ("/http/orders/of/today", "/http/…/today"))
def test_a_path_gives_way_to_the_mpl_id(path: str, shown: str) -> None:
    """The message is found with it."""
    fields = {"status": 200, "path": path, "route": "http", "total_seconds": 0.1372, "mpl_id": "A" * 28}
    row = line({**fields, "replays": ("fetch_csrf",)})
    assert row == f"200 POST {shown} http 137 ms mpl={'A' * 28}"


def test_an_mpl_id_is_the_first_to_get_room() -> None:
    """The rest is left out."""
    fields = {
        "status": 200,
        "route": "in",
        "mpl_id": "A" * 28,
        "token": "granted",
        "user": "erp",
        "sender": "192.0.2.7",
    }
    assert line(fields) == f"200 POST /orders in 0.0 ms mpl={'A' * 28}"


def test_a_long_path_is_cut_in_its_middle() -> None:
    """But whole in a failure."""
    record = recorded({"status": 200, "path": "/" + "a" * 60 + "/end", "route": "orders", "total_seconds": 61.25})
    row = human_line(record, "info")
    assert len(row) == WIDTH - 1
    assert row[13:].startswith("200 POST /aaaa")
    assert row.endswith("aaa/end orders 61.2 s")
    assert "…" in row
    record.status = 404
    assert record.path in human_line(record, "warning")


def test_a_failure_has_all_its_fields() -> None:
    """The reason comes first."""
    fields = {
        "status": 502,
        "made_by": "proxy",
        "code": "upstream_closed",
        "detail": 'It said "no".',
        "upstream": "https://cpi.example/http/orders",
        "upstream_status": 200,
        "route": "orders",
        "oauth_client": "neo",
        "user": "Müller, K.",
        "client_certificate": "CN=ERP",
        "token": "renewed",
        "mpl_id": "AG1",
        "replays": ("renew_token", "fetch_csrf"),
        "sender": "192.0.2.7",
        "connect_seconds": 0.25,
    }
    assert line(fields) == (
        '502 POST /orders orders 0.0 ms code=upstream_closed detail="It said \\"no\\"." made_by=proxy'
        " upstream_status=200 upstream=https://cpi.example/http/orders mpl_id=AG1 oauth_client=neo token=renewed"
        ' replays=[renew_token, fetch_csrf] user="Müller, K." client_certificate="CN=ERP" sender=192.0.2.7'
        " connect_seconds=0.25 request_id=id-1"
    )


def test_a_refusal_without_method_path_and_route_has_dashes() -> None:
    """In their places."""
    record = ExchangeRecord("id-1", "")
    record.status, record.code, record.detail = 400, "request_malformed", "No HTTP."
    assert human_line(record, "warning")[13:].startswith("400 - - - 0.0 ms code=request_malformed")


@cases(
    "value, text",
    ("word", "word"),
    ("two words", '"two words"'),
    ("", '""'),
    ('a"b', '"a\\"b"'),
    ("a=b", '"a=b"'),
    ("a\nb", '"a\\nb"'),
    ("a\x1b\u202eb", "a??b"),
    ("Müller", "Müller"),
    (None, "null"),
    (True, "true"),
    (1.5, "1.5"),
    (["a", "b c", 1], '[a, "b c", 1]'),
    ((), "[]"),
    (b"x y", "\"b'x y'\""),
)
def test_values_are_quoted_unless_they_are_words(value: object, text: str) -> None:
    """They are no other fields."""
    assert event(field=value) == f"error x.crashed field={text}"


def test_problems_are_one_a_line() -> None:
    """At the end, as `check` prints them."""
    problems = ["proxy.yaml:3: routes[0].timeout: is not a duration", "proxy.yaml:9: x\ny"]
    assert event(problems=problems, detail="The old one stays.").splitlines() == [
        'error x.crashed detail="The old one stays."',
        "  proxy.yaml:3: routes[0].timeout: is not a duration",
        "  proxy.yaml:9: x?y",
    ]
    assert event(problems="one") == "error x.crashed problems=one"


@cases(
    "status, code, color",
    (200, "", "\x1b[32m"),
    (302, "", "\x1b[36m"),
    (200, "upstream_closed", "\x1b[33m"),
    (404, "", "\x1b[33m"),
    (500, "", "\x1b[31m"),
)
def test_the_status_has_a_color(status: int, code: str, color: str) -> None:
    """Nothing else has one."""
    record = recorded({"status": status, "code": code})
    level = severity(record)
    colored = human_line(record, level, color=True)
    assert colored[12:].startswith(f" {color}{status}{RESET} POST ")
    assert colored[12:].replace(color, "").replace(RESET, "") == human_line(record, level)[12:]
    assert "\x1b" not in human_line(record, level)


@cases(
    "level, start",
    ("warning", f"\x1b[33mwarning{RESET} x.y"),
    ("error", f"\x1b[31merror{RESET} x.y"),
    ("info", "info x.y"),
)
def test_the_level_of_an_event_has_a_color(level: str, start: str) -> None:
    """If it is a warning or an error."""
    text = human_event(None, level, {**STAMPED, "level": level, "event": "x.y"}, color=True)
    assert text[13:] == start


@cases("route", "orders", "a-route-with-a-name-that-is-much-longer-than-a-column")
def test_a_delivery_from_an_outbox_is_one_row(route: str) -> None:
    """Of 80 columns, for any name."""
    event = {
        "timestamp": "2027-01-15T08:00:00.000Z",
        "level": "info",
        "event": "message.delivered",
        "route": route,
        "status": 200,
        "attempts": 1,
        "age_seconds": 0.25,
        "id": "0" * 32,
        "mpl_id": "",
    }
    row = human_event(None, "info", event)
    assert row.startswith(f"08:00:00.000 200 delivered {'0' * 32} {route[:4]}")
    assert row.endswith(" 250 ms")
    assert len(row) <= 80


GRANTED = {"oauth_client": "orders", "lifetime": 43200, "seconds": 0.012, "waited": 1}


@cases(
    "name, fields, row",
    ("token.granted", GRANTED, "orders lifetime=43200 seconds=0.012 waited=1"),
    ("token.taken_over", GRANTED, "orders lifetime=43200 seconds=0.012 waited=1"),
    ("token.granted", GRANTED | {"oauth_client": "o" * 64}, f"{'o' * 23}…{'o' * 23}"),
    ("token.granted", GRANTED | {"waited": 0}, "orders lifetime=43200 seconds=0.012"),
    ("message.retried", {"route": "orders", "id": "0" * 32, "attempts": 3, "admin": "::1"}, f"{'0' * 32} orders"),
    (
        "message.discarded",
        {"route": "in", "id": "0" * 32, "state": "dead", "code": "", "admin": "127.0.0.1:9901"},
        f"{'0' * 32} in",
    ),
)
def test_a_success_that_is_no_exchange_is_one_row(name: str, fields: Mapping[str, Any], row: str) -> None:
    """Whose it is, then what has room."""
    text = human_event(None, "info", {**STAMPED, "level": "info", "event": name, **fields})
    assert text == f"03:04:05.678 info {name} {row}"
    assert len(text) <= WIDTH
