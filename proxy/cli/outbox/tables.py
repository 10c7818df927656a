"""Tables and texts of `outbox`, for 80 columns."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from proxy.cli.outbox.api import JsonObject
from proxy.config.parsed_values import spelled_size
from proxy.observe.log_format import printable

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def route_table(routes: Iterable[JsonObject], *, now: float) -> Table:
    """Returns one line for each route."""
    table = _table("route", "waiting", "delivering", "dead", "oldest", "size", "")
    for column in table.columns[1:6]:
        column.justify = "right"
    for each in routes:
        notes = [note for note, holds in (("held", each["held"]), ("route has gone", each["gone"])) if holds]
        oldest = "" if each["oldest_at"] is None else duration(now - seconds(each["oldest_at"]))
        numbers = (str(each[name]) for name in ("waiting", "delivering", "dead"))
        table.add_row(*map(_cell, (each["route"], *numbers, oldest, spelled_size(each["bytes"]), ", ".join(notes))))
    return table


def message_table(messages: Iterable[JsonObject], *, now: float) -> Table:
    """Returns one line for each message."""
    table = _table("id", "route", "state", "tries", "age")
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    table.columns[1].overflow = "fold"
    for column in table.columns[3:]:
        column.justify = "right"
    for each in messages:
        age = duration(now - seconds(each["accepted_at"]))
        table.add_row(*map(_cell, (each["id"], each["route"], state_of(each, now=now), str(each["attempts"]), age)))
    return table


def history_table(history: Iterable[JsonObject]) -> Table:
    """Returns one line for each attempt."""
    table = _table("attempt at", "status", "MPL id", "what happened")
    table.columns[0].no_wrap = table.columns[2].no_wrap = True  # they are copied
    for each in history:
        why = " ".join(part for part in (each["code"], each["diagnosis"]) if part)
        table.add_row(*map(_cell, (each["at"], str(each["status"] or "none"), each["mpl_id"] or "", why)))
    return table


def facts(message: JsonObject, *, now: float) -> Iterator[str]:
    """Yields the lines about one message above its history."""
    lines = [
        ("id", message["id"]),
        ("route", message["route"]),
        ("state", state_of(message, now=now)),
        ("attempts", str(message["attempts"])),
        ("accepted at", message["accepted_at"]),
        ("next attempt", message["next_at"] or ""),
        ("request", f"{message['method']} {message['target']}".strip()),
        ("sender's id", message["message_id"] or ""),
        ("size", spelled_size(message["bytes"])),
        *(("field", f"{name}: {value}") for name, value in message["fields"]),
    ]
    yield from (printable(f"{name:<16}{value}") for name, value in lines if value)


def state_of(message: JsonObject, *, now: float) -> str:
    """Returns the state in a few words."""
    if message["state"] == "dead":
        return f"dead: {message['code']}"
    if message["state"] != "waiting":
        return str(message["state"])
    if message["next_at"] is None:
        return "behind another"
    left = seconds(message["next_at"]) - now
    return f"due in {duration(left)}" if left > 0 else "due now"


def seconds(time: str) -> float:
    """Returns a time of RFC 3339 in UTC as seconds."""
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def duration(of: float) -> str:
    """Returns seconds in the largest unit that fits, rounded down."""
    left = max(0, int(of))
    unit, length = next((each for each in UNITS if left >= each[1]), UNITS[-1])
    return f"{left // length} {unit}"


def _table(*columns: str) -> Table:
    return Table(*columns, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)


def _cell(text: str) -> Text:
    """Returns the text as it is: no markup, and nothing that controls a terminal."""
    return Text(printable(text))
