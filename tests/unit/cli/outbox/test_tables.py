"""What `outbox` prints fits 80 columns, and controls no terminal."""

from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from proxy.cli.outbox.tables import duration, facts, history_table, message_table, route_table, state_of
from tests.cases import cases

NOW = 1_800_000_000.0
AT = "2027-01-15T08:00:00Z"
MESSAGE: dict[str, Any] = {
    "id": "0" * 32,
    "route": "orders",
    "state": "waiting",
    "code": None,
    "attempts": 1,
    "accepted_at": AT,
    "next_at": AT,
    "bytes": 9,
}


def printed(table: Table) -> list[str]:
    """Its lines, for 80 columns."""
    stream = StringIO()
    Console(file=stream, width=80).print(table)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@cases(
    "changes, told",
    ({}, "due now"),
    ({"next_at": "2027-01-15T08:05:59Z"}, "due in 5 min"),
    ({"next_at": None}, "behind another"),
    ({"state": "delivering"}, "delivering"),
    ({"state": "dead", "code": "flow_failed", "next_at": None}, "dead: flow_failed"),
)
def test_a_state_is_a_few_words(changes: dict[str, Any], told: str) -> None:
    """They fit into the column."""
    assert state_of(MESSAGE | changes, now=NOW) == told


@cases(
    "seconds, told",
    (-1, "0 s"),
    (0, "0 s"),
    (59.9, "59 s"),
    (60, "1 min"),
    (7199, "1 h"),
    (86_400, "1 d"),
    (1e9, "11574 d"),
)
def test_a_duration_is_rounded_down(seconds: float, told: str) -> None:
    """In one unit."""
    assert duration(seconds) == told


def test_ids_and_states_are_whole() -> None:
    """Whatever the route is called; nothing in it controls a terminal."""
    hostile = MESSAGE | {"route": "[red]a-route-with-a-very-long-name\x1b[31m", "state": "dead", "code": "flow_failed"}
    lines = printed(message_table([hostile], now=NOW + 90))
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("0" * 32)
    assert "dead: flow_failed" in lines[2]
    assert lines[2].endswith("1 min")
    assert "\x1b" not in "".join(lines)
    assert "[red]" in "".join(lines)


def test_a_route_tells_what_is_special_about_it() -> None:
    """Held, gone, or both."""
    route = {"route": "a", "waiting": 1, "delivering": 2, "dead": 3, "oldest_at": AT, "bytes": 2048}
    rows = [route | {"held": held, "gone": gone} for held, gone in ((True, True), (False, False))]
    _, _, first, second = printed(route_table(rows, now=NOW + 3600))
    assert first.split() == ["a", "1", "2", "3", "1", "h", "2.0", "KiB", "held,", "route", "has", "gone"]
    assert second.split()[-1] == "KiB"


def test_time_and_mpl_id_of_an_attempt_are_whole() -> None:
    """In 80 columns, whatever was diagnosed."""
    entry = {"at": AT, "status": 500, "code": "flow_failed", "diagnosis": "word " * 40, "mpl_id": "AG" + "x" * 26}
    lines = printed(history_table([entry]))
    assert lines[2].split()[:3] == [AT, "500", entry["mpl_id"]]
    assert max(map(len, lines)) <= 80


def test_history_and_facts_leave_out_what_is_not_known() -> None:
    """No answer is *none*."""
    entry = {"at": AT, "status": None, "code": "upstream_closed", "diagnosis": None, "mpl_id": None}
    assert printed(history_table([entry]))[2].split() == [AT, "none", "upstream_closed"]
    more = {"method": "POST", "target": "", "message_id": None, "fields": [["A", "b\x07"]]}
    assert list(facts(MESSAGE | more | {"next_at": None}, now=NOW)) == [
        f"id              {'0' * 32}",
        "route           orders",
        "state           behind another",
        "attempts        1",
        f"accepted at     {AT}",
        "request         POST",
        "size            9 B",
        "field           A: b?",
    ]
