"""Whether, and how, a recorded message can be sent again: as a command of curl, or from the page."""

from typing import Any

from proxy.app import App
from proxy.config.model import RouteSettings
from proxy.console.curl import CurlRequest, curl_command
from proxy.console.recordings import RecordedExchange
from proxy.console.state import proxy_urls
from proxy.console.summaries import is_target_whole, recording_of
from proxy.observe.exchange_record import ExchangeRecord
from proxy.syntax import values_of

NOT_KEPT = "Fields and body were not kept. Switch on Record for the route before the next message."
CUT = "The body was not kept as a whole."
TARGET = "The target is too long, or its query has a credential, which is not shown."
UNFINISHED = frozenset({"body_too_large", "draining", "request_malformed", "request_timeout", "sender_left"})
"Codes of exchanges whose body may not have come to its end."
NO_ROUTE = "It reached no route."


def again(app: App, record: ExchangeRecord) -> dict[str, Any]:
    """Returns the command and whether the page can send the message again, each with the reason if not."""
    recording = recording_of(record)
    settings = app.routes[record.route].settings if record.route in app.routes else None
    reason = reason_against(record, recording, settings)
    command = None
    if not reason and recording is not None and settings is not None:
        command = curl_command(curl_request(app, record, recording, settings))
    return {
        "curl": command,
        "curl_reason": reason,
        "send_again": not reason,
        "send_again_reason": reason,
    }


def reason_against(record: ExchangeRecord, recording: RecordedExchange | None, settings: RouteSettings | None) -> str:
    """Returns why a message cannot be sent again; empty if it can."""
    if settings is None:
        return NO_ROUTE
    if recording is None:
        return NOT_KEPT
    if not has_whole_body(record, recording):
        return CUT
    return "" if is_target_whole(record) else TARGET


def has_whole_body(record: ExchangeRecord, recording: RecordedExchange) -> bool:
    """Whether all of the body was kept, and the sender had sent all of it."""
    body = recording.body
    lengths = values_of(recording.fields, "content-length")
    is_ended = lengths == [str(body.size)] if lengths else record.code not in UNFINISHED
    return body.is_whole and body.size == record.bytes_in and is_ended


def curl_request(app: App, record: ExchangeRecord, recording: RecordedExchange, settings: RouteSettings) -> CurlRequest:
    """Returns what curl has to send: to the first listener."""
    urls, unix = proxy_urls(app), next((each.address.path for each in app.listeners if each.address.path), None)
    base = next(iter(urls), "http://localhost")
    authority = base.partition("://")[2]
    fields = [(name, value) for name, value in recording.fields if name.lower() != "host" or value != authority]
    return CurlRequest(
        method=record.method,
        base=base,
        socket="" if urls or unix is None else str(unix),
        target=record.target.decode("latin-1"),
        fields=fields,
        body=recording.body.octets,
        credential=credential_field(settings),
    )


def credential_field(settings: RouteSettings) -> str:
    """Returns the name, in lower case, of the field with which senders authenticate; empty if there is none."""
    auth = settings.inbound_auth
    if auth is None or auth.client_certificate:
        return ""
    return auth.api_key.field.lower() if auth.api_key else "authorization"
