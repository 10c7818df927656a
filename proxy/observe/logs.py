"""The lines of the log: structlog for events, one hand-made line for each finished exchange.

Event names are `noun.past_participle`. JSON when standard error is no terminal, human lines when it is. The line of an
exchange is rendered without structlog's chain of processors: 2.5 µs instead of 15, so that it can stay on.
"""

import json
import time
from collections.abc import Callable, MutableMapping
from functools import cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Protocol

from proxy.observe.account import Account

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Logger(Protocol):
    """What the rooms log with."""

    def debug(self, event: str, **fields: Any) -> Any:
        """For those who look for a fault."""
        ...

    def info(self, event: str, **fields: Any) -> Any:
        """What is usual."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """What somebody should see."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """What somebody must do something about."""
        ...


class _Stamp:
    """ISO 8601 in UTC to the millisecond; the part up to the second is made once a second."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._second = 0
        self._text = ""

    def __call__(self) -> str:
        now = self._now()
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((now - second) * 1000):03d}Z"


_stamp = _Stamp()


def begin(_logger: Any, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Time, level and name come first, as in the lines of exchanges."""
    return {"timestamp": _stamp(), "level": method, "event": event.pop("event", ""), **event}


def json_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """An event as one JSON object."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False, default=repr)


def severity(account: Account) -> str:
    """The level of an exchange's line."""
    return "error" if account.status >= 500 else "warning" if account.status >= 400 or account.code else "info"


def json_line(account: Account, level: str) -> str:
    """An exchange as one JSON object; what can hold anything is quoted, the rest is ours."""
    each = account
    waited = each.token_seconds or each.connect_seconds
    return (
        f'{{"timestamp":"{_stamp()}","level":"{level}","event":"exchange.finished",'
        f'"request_id":{quoted(each.request_id)},{_whose(each.route, each.oauth_client)},'
        f'"method":"{each.method}","path":{quoted(each.path)},"status":{each.status},'
        f'"made_by":"{each.made_by}","attempts":{each.attempts},"token":"{each.token}",'
        f'"bytes_in":{each.bytes_in},"bytes_out":{each.bytes_out},"seconds":{each.total_seconds:.6f},'
        f"{_waits(each) if waited else _NO_WAITS},"
        f'"first_byte_seconds":{each.first_byte_seconds:.6f},"relay_seconds":{each.relay_seconds:.6f}{_rare(each)}}}'
    )


_NO_WAITS = '"token_seconds":0.0,"connect_seconds":0.0'


def _waits(each: Account) -> str:
    return f'"token_seconds":{each.token_seconds:.6f},"connect_seconds":{each.connect_seconds:.6f}'


@cache
def _whose(route: str, oauth_client: str) -> str:
    """As many as there are routes; none comes from a sender."""
    return f'"route":{quoted(route)},"oauth_client":{quoted(oauth_client)}'


def _rare(each: Account) -> str:
    """The fields that most lines do not have."""
    text = f',"user":{quoted(each.user)}' if each.user else ""
    if each.mpl_id:
        text += f',"mpl_id":{quoted(each.mpl_id)}'
    if each.correlation_id:
        text += f',"correlation_id":{quoted(each.correlation_id)}'
    if each.client_certificate:
        text += f',"client_certificate":{quoted(each.client_certificate)}'
    if each.replays:
        text += f',"replays":{quoted(",".join(each.replays))}'
    if each.code:
        text += f',"code":"{each.code}","detail":{quoted(each.detail)}'
    if each.diagnosis:
        text += f',"diagnosis":{quoted(each.diagnosis)}'
    if each.upstream_status and each.upstream_status != each.status:
        text += f',"upstream_status":{each.upstream_status}'
    return text


def human_line(account: Account, level: str) -> str:
    """An exchange as a line for a terminal."""
    each = account
    what = f"{each.method or '-'} {each.path or '-'} {each.status} by {each.made_by}"
    parts = [
        f"{_stamp()[11:23]} {level} exchange.finished {what}",
        f"from {each.client_certificate}" if each.client_certificate else "",
        f"route {each.route} as {each.oauth_client}" if each.route else "",
        f"for {each.user}" if each.user else "",
        f"in {each.total_seconds * 1000:.1f} ms ({_phases(each)})",
        f"token {each.token}" if each.token else "",
        f"MPL {each.mpl_id}" if each.mpl_id else "",
        f"after {', '.join(each.replays)}" if each.replays else "",
        f"{each.code}: {each.detail}" if each.code else "",
        each.diagnosis,
        f"[{each.request_id}]",
    ]
    return printable(", ".join(part for part in parts if part))


def _phases(each: Account) -> str:
    """What the time went into, in milliseconds."""
    phases = {
        "token": each.token_seconds,
        "connection": each.connect_seconds,
        "first byte": each.first_byte_seconds,
        "relay": each.relay_seconds,
    }
    return ", ".join(f"{phase} {seconds * 1000:.1f}" for phase, seconds in phases.items())


def human_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """An event as a line for a terminal."""
    fields = dict(event)
    stamp, level, name = fields.pop("timestamp", ""), fields.pop("level", ""), fields.pop("event", "")
    trace = fields.pop("exception", "")
    text = " ".join(f"{key}={value}" for key, value in fields.items())
    line = f"{stamp[11:23]} {level} {name} {text}".rstrip()
    return "\n".join(map(printable, (line, *trace.splitlines())))


def printable(text: str) -> str:
    """The text without controls, so that a sender cannot write to somebody's terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)
