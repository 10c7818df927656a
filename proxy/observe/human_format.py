"""Renders log lines for people: exchanges as rows of columns, events with their fields, in colour on request.

A success is one row of a terminal: what does not fit is only in JSON. A failure has all its fields.
"""

import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.log_format import LONGEST_LINE, fitting, printable, shortened, stamp

WIDTH = 80
"Columns of a terminal."
WIDEST_METHOD, WIDEST_ROUTE, NARROWEST_PATH = 17, 24, 8
"Columns. The longest registered method has 17; with a duration of ten columns, all of these make one row."
_TIME = slice(11, 23)
_STATUS = slice(13, 16)
"Columns of the status in a row."
_COLUMNS = {
    "token.granted": ("oauth_client",),
    "token.taken_over": ("oauth_client",),
    "message.retried": ("id", "route"),
    "message.discarded": ("id", "route"),
}
"Events that are a success and have long fields, and which of these are always shown; the last gives way."
_BARE = re.compile(r'[^\s"=\[\],]+')
"A text that needs no quotes."
_RESET = "\x1b[0m"
_GREEN, _CYAN, _YELLOW, _RED = "\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[31m"
_LEVEL_COLORS = {"warning": _YELLOW, "error": _RED}


def human_line(record: ExchangeRecord, level: str, *, color: bool = False) -> str:
    """Renders an exchange as a row: time, status, method, path, route, duration; then its other fields."""
    row = printable(_success_row(record) if level == "info" else _failure_row(record))
    return _colored(row, _STATUS, _status_color(record)) if color else row


def human_event(_logger: Any, _method: str, event: MutableMapping[str, Any], *, color: bool = False) -> str:
    """Renders an event as a line: time, level, name and fields; `problems` follow, one a line."""
    text = fitting(event, _event)
    level = str(event.get("level", ""))
    start = _TIME.stop - _TIME.start + 1
    return _colored(text, slice(start, start + len(level)), _LEVEL_COLORS.get(level, "")) if color else text


def _success_row(record: ExchangeRecord) -> str:
    """Renders a success within `WIDTH`. The path gives way to the MPL id, by which people find the message."""
    (mpl,) = [f" {each}" for each in _pairs({"mpl": record.mpl_id})] or [""]
    row = _row(record, WIDTH - len(mpl)) + mpl
    if len(row) > WIDTH:
        row = _row(record, WIDTH)
    for each in _pairs(_beside(record)):
        if len(row) + len(each) < WIDTH:
            row += f" {each}"
    return row


def _failure_row(record: ExchangeRecord) -> str:
    """Renders what is no success, with all that explains it, however long that is."""
    return " ".join([_row(record, LONGEST_LINE), *_pairs(_fields(record))])


def _row(each: ExchangeRecord, width: int) -> str:
    """Renders the columns; cuts the path if they are wider than `width`."""
    head = f"{stamp()[_TIME]} {each.status:03d} {_within(each.method or '-', WIDEST_METHOD)} "
    tail = f" {_within(each.route or '-', WIDEST_ROUTE)} {_duration(each.total_seconds)}"
    return head + _within(each.path or "-", max(width - len(head) - len(tail), NARROWEST_PATH)) + tail


def _delivered_row(event: Mapping[str, Any]) -> str:
    """Renders a message that an outbox has delivered as a row: time, status, id, route, age."""
    head = f"{event.get('timestamp', '')[_TIME]} {event['status']:03d} delivered {event['id']} "
    tail = f" {_duration(event['age_seconds'])}"
    return head + _within(event["route"], max(WIDTH - len(head) - len(tail), NARROWEST_PATH)) + tail


def _event_row(event: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    """Renders an event within `WIDTH`: time, level, event, these fields without their names, then what has room."""
    before = [event.get("timestamp", "")[_TIME], *(event[name] for name in ("level", "event", *columns[:-1]))]
    head = f"{' '.join(before)} "
    row = head + _within(str(event[columns[-1]]), max(WIDTH - len(head), NARROWEST_PATH))
    shown = {"timestamp", "level", "event", *columns}
    for each in _pairs({name: value for name, value in event.items() if name not in shown}):
        if len(row) + len(each) < WIDTH:
            row += f" {each}"
    return row


def _within(text: str, columns: int) -> str:
    return text if len(text) <= columns else shortened(text, columns - 1)


def _duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def _beside(each: ExchangeRecord) -> Mapping[str, Any]:
    """Returns what a row has if there is room, the most useful first."""
    return {
        "message_id": each.message_id,
        "replays": each.replays,
        "token": "" if each.token == "cached" else each.token,  # noqa: S105 - not a token
        "user": each.user,
        "client_certificate": each.client_certificate,
        "sender": each.sender,
        "request_id": each.request_id,
    }


def _fields(each: ExchangeRecord) -> Mapping[str, Any]:
    """Returns what explains a failure, the reason first."""
    return {
        "code": each.code,
        "detail": each.detail if each.code else "",
        "diagnosis": each.diagnosis,
        "made_by": each.made_by,
        "upstream_status": each.upstream_status if each.upstream_status != each.status else 0,
        "upstream": each.upstream,
        "mpl_id": each.mpl_id,
        "correlation_id": each.correlation_id,
        "message_id": each.message_id,
        "oauth_client": shortened(each.oauth_client, WIDTH),
        "token": each.token,
        "replays": each.replays,
        "user": each.user,
        "client_certificate": each.client_certificate,
        "sender": each.sender,
        "token_seconds": round(each.token_seconds, 3),
        "connect_seconds": round(each.connect_seconds, 3),
        "first_byte_seconds": round(each.first_byte_seconds, 3),
        "relay_seconds": round(each.relay_seconds, 3),
        "request_id": each.request_id,
    }


def _pairs(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yields `name=value` for all fields that are not empty."""
    return (f"{name}={_value(value)}" for name, value in fields.items() if value)


def _event(event: Mapping[str, Any]) -> str:
    if event.get("event") == "message.delivered":
        return printable(_delivered_row(event))
    if columns := _COLUMNS.get(event.get("event", "")):
        return printable(_event_row(event, columns))
    fields = dict(event)
    time, level, name = fields.pop("timestamp", "")[_TIME], fields.pop("level", ""), fields.pop("event", "")
    problems = fields.pop("problems") if isinstance(fields.get("problems"), list | tuple) else ()
    text = " ".join([f"{time} {level} {name}", *(f"{key}={_value(value)}" for key, value in fields.items())])
    return "\n".join([printable(text), *(f"  {printable(str(problem))}" for problem in problems)])


def _value(value: Any) -> str:
    """Renders a value; text in quotes unless it is a word."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if value is None or isinstance(value, int | float):
        return json.dumps(value)
    text = value if isinstance(value, str) else repr(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _status_color(record: ExchangeRecord) -> str:
    if record.status >= 500:
        return _RED
    if record.status >= 400 or record.code:
        return _YELLOW
    return _CYAN if record.status >= 300 else _GREEN


def _colored(text: str, part: slice, color: str) -> str:
    return f"{text[: part.start]}{color}{text[part]}{_RESET}{text[part.stop :]}" if color else text
