"""What the page Traffic shows of an exchange: pure functions of its record."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from proxy.console.bodies import body_document
from proxy.console.recordings import RecordedBody, RecordedExchange, RecordedFields
from proxy.errors import ProxyError
from proxy.observe.exchange_record import LONGEST_TARGET, ExchangeRecord
from proxy.observe.masking import masked_query

REPLAYS: Final = {
    "renew_token": "The tenant refused the token, so the proxy renewed it and sent the message again.",
    "fetch_csrf": "The flow required a CSRF token, so the proxy fetched one and sent the message again.",
    "fetch_csrf_for_next": "The flow required a CSRF token. The message could not be sent again; the proxy fetched a "
    "token for the next one.",
    "reconnect": "The connection had been closed, so the proxy opened another one and sent the message again.",
}
LEFT: Final = "The sender left"
CUT: Final = "The answer was cut"


def summary(identifier: str, at: float, record: ExchangeRecord) -> dict[str, Any]:
    """Returns the row of an exchange; `at` is the wall time of its end."""
    path, query = target_of(record)
    return {
        "id": identifier,
        "request_id": record.request_id,
        "at": at - record.total_seconds,
        "sender": record.sender,
        "method": record.method,
        "path": path,
        "query": query,
        "route": record.route,
        "oauth_client": record.oauth_client,
        "status": record.status,
        "upstream_status": record.upstream_status,
        "made_by": record.made_by,
        "seconds": record.total_seconds,
        "token": record.token,
        "attempts": record.attempts,
        "replays": list(record.replays),
        "mpl_id": record.mpl_id,
        "code": record.code,
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "recorded": recording_of(record) is not None,
    }


def details(identifier: str, at: float, record: ExchangeRecord) -> dict[str, Any]:
    """Returns everything about an exchange but how to send it again."""
    recording, urls = recording_of(record), f"api/traffic/{identifier}/"
    request = answer = None
    if recording is not None:
        request = _part(recording.fields, recording.body, urls + "request-body")
        if recording.answer_fields is not None:
            answer = _part(recording.answer_fields, recording.answer, urls + "response-body")
    return summary(identifier, at, record) | findings(record) | {"request": request, "response": answer}


def findings(record: ExchangeRecord) -> dict[str, Any]:
    """Returns how an exchange went, and what that means."""
    diagnosis, what_to_do = meaning(record)
    attempts = [{"number": 1, "reason": "", "text": ""}] if record.attempts else []
    replays = enumerate(record.replays, 2)
    attempts += [{"number": number, "reason": each, "text": REPLAYS.get(each, "")} for number, each in replays]
    return {
        "upstream": record.upstream,
        "user": record.user,
        "client_certificate": record.client_certificate,
        "correlation_id": record.correlation_id,
        "detail": record.detail,
        "diagnosis": diagnosis,
        "what_to_do": what_to_do,
        "phases": phases(record),
        "attempts_list": attempts,
    }


def meaning(record: ExchangeRecord) -> tuple[str, str]:
    """Returns (what went wrong, what to do about it); both are empty for a success."""
    if record.diagnosis:
        cause, _, advice = record.diagnosis.partition(": ")
        return cause.replace("_", " "), advice
    if record.code:
        return _titles().get(record.code, CUT if record.made_by == "upstream" else LEFT), record.detail
    return "", ""


def phases(record: ExchangeRecord) -> list[dict[str, Any]]:
    """Returns the parts of the whole duration; `waiting` is what no other part accounts for."""
    known = {
        "token": record.token_seconds,
        "connect": record.connect_seconds,
        "first byte": record.first_byte_seconds,
        "relay": record.relay_seconds,
    }
    known["waiting"] = max(0.0, record.total_seconds - sum(known.values()))
    return [{"name": name, "seconds": seconds} for name, seconds in known.items()]


def target_of(record: ExchangeRecord) -> tuple[str, str]:
    """Returns path and query, the latter without credentials."""
    path, _, query = record.target.decode("latin-1").partition("?")
    return path, masked_query(query)


def is_target_whole(record: ExchangeRecord) -> bool:
    """Whether `target_of` returns path and query unchanged."""
    target = record.target.decode("latin-1")
    return len(target) < LONGEST_TARGET and target.partition("?")[2] == target_of(record)[1]


def recording_of(record: ExchangeRecord) -> RecordedExchange | None:
    """Returns what is kept of the fields and bodies, if anything is."""
    recording = record.recording
    return recording if isinstance(recording, RecordedExchange) and recording.is_kept else None


def _part(fields: RecordedFields, body: RecordedBody, url: str) -> dict[str, Any]:
    octets = body.octets
    return {
        "fields": [list(pair) for pair in fields],
        "body": body_document(octets, size=body.size, fields=fields, download=url if octets else None),
    }


def _titles() -> Mapping[str, str]:
    """Returns the titles of all errors of ours, by code."""
    return {each.code: each.title for each in _subclasses(ProxyError) if hasattr(each, "code")}


def _subclasses(kind: type[ProxyError]) -> Iterator[type[ProxyError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)
