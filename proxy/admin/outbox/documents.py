"""Messages and routes as the JSON that the admin address shows."""

from collections.abc import Sequence
from typing import Any

from proxy.clock import rfc3339
from proxy.observe.masking import MASK, is_shown, masked_query
from proxy.outbox.message import HistoryEntry, MessageDetails, MessageSummary, RouteSummary


def route_document(route: RouteSummary) -> dict[str, Any]:
    """Returns the numbers of one route."""
    return {
        "route": route.route,
        "waiting": route.waiting,
        "delivering": route.delivering,
        "dead": route.dead,
        "held": route.held,
        "oldest_at": _time(route.oldest_at),
        "bytes": route.bytes,
    }


def status_document(routes: Sequence[RouteSummary] | None) -> dict[str, Any]:
    """Returns what `/status` shows; None if the store does not answer."""
    return {"available": routes is not None, "routes": [route_document(each) for each in routes or ()]}


def message_document(message: MessageSummary) -> dict[str, Any]:
    """Returns the row of one message in a list."""
    return {
        "id": message.id,
        "route": message.route,
        "state": message.state.value,
        "code": message.code or None,
        "attempts": message.attempts,
        "accepted_at": _time(message.accepted_at),
        "next_at": _time(message.next_at),
        "bytes": message.bytes,
    }


def details_document(message: MessageDetails) -> dict[str, Any]:
    """Returns all about one message but its body; what may be a credential is masked."""
    path, mark, query = _text(message.target).partition("?")
    return message_document(message.summary) | {
        "method": message.method,
        "target": path + mark + masked_query(query),
        "fields": [_field(_text(line)) for line in message.fields],
        "message_id": _text(message.sender_id) or None,
        "history": [_entry(each) for each in message.history],
    }


def _field(line: str) -> list[str]:
    """Returns name and value."""
    name, _, value = line.partition(":")
    return [name, value.strip() if is_shown(name, value) else MASK]


def _entry(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "at": _time(entry.at),
        "status": entry.status or None,
        "code": entry.code or None,
        "diagnosis": entry.diagnosis or None,
        "mpl_id": entry.mpl_id or None,
    }


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")


def _time(wall: float | None) -> str | None:
    return None if wall is None else rfc3339(wall)
