"""Name and attributes of an exchange's span: OpenTelemetry's semantic conventions for HTTP servers, and our own."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.metrics import METHODS

Attributes = dict[str, str | int | float]
REPLACED = frozenset({"traceparent", "tracestate"})
"Fields that the proxy sets itself if spans are enabled."


class TraceContext(NamedTuple):
    """The sender's trace context as received (W3C Trace Context)."""

    parent: bytes = b""
    "Empty if traceparent is missing or repeated."
    state: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, fields: Iterable[tuple[bytes, bytes]]) -> Self:
        """Returns the trace context in these fields."""
        parents: list[bytes] = []
        state: list[bytes] = []
        for name, value in fields:
            if len(name) == 11 and name.lower() == b"traceparent":
                parents.append(value)
            elif len(name) == 10 and name.lower() == b"tracestate":
                state.append(value)
        return cls(parents[0], tuple(state)) if len(parents) == 1 else cls()

    @property
    def carrier(self) -> Mapping[str, list[str]]:
        """The form that OpenTelemetry's propagators read."""
        state = [each.decode("latin-1") for each in self.state]
        return {"traceparent": [self.parent.decode("latin-1")], **({"tracestate": state} if state else {})}


def trace_lines(trace_id: int, span_id: int, flags: int, state: Iterable[bytes]) -> tuple[bytes, ...]:
    """Returns the fields that make our span the parent of the upstream's."""
    parent = b"traceparent: 00-%032x-%016x-%02x" % (trace_id, span_id, flags)
    return (parent, *(b"tracestate: " + each for each in state))


def beginning(record: ExchangeRecord, *, minor: int, secure: bool) -> Attributes:
    """Returns the attributes known from the head of the request; samplers see these."""
    method = record.method
    known: Attributes = {
        "http.request.method": method if method in METHODS else "_OTHER",
        "url.scheme": "https" if secure else "http",
        "url.path": record.path,
        "network.protocol.version": f"1.{minor}",
        "cpi_proxy.request_id": record.request_id,
    }
    if method not in METHODS:
        known["http.request.method_original"] = method
    return known


def span_name(record: ExchangeRecord) -> str:
    """Returns `METHOD route`; a method that a sender makes up does not appear."""
    method = record.method if record.method in METHODS else "HTTP"
    return f"{method} {record.route}" if record.route else method


def ending(record: ExchangeRecord) -> Attributes:
    """Returns the attributes of a finished exchange; empty ones are left out."""
    said: Attributes = {
        "http.response.status_code": record.status,
        "http.request.body.size": record.bytes_in,
        "http.response.body.size": record.bytes_out,
        "cpi_proxy.made_by": record.made_by,
        "cpi_proxy.attempts": record.attempts,
        "cpi_proxy.token_seconds": record.token_seconds,
        "cpi_proxy.connect_seconds": record.connect_seconds,
        "cpi_proxy.first_byte_seconds": record.first_byte_seconds,
        "cpi_proxy.relay_seconds": record.relay_seconds,
    }
    rare = {
        "client.address": record.sender,
        "cpi_proxy.upstream": record.upstream,
        "cpi_proxy.route": record.route,
        "cpi_proxy.oauth_client": record.oauth_client,
        "cpi_proxy.token": record.token,
        "cpi_proxy.replays": ",".join(record.replays),
        "cpi_proxy.mpl_id": record.mpl_id,
        "cpi_proxy.correlation_id": record.correlation_id,
        "cpi_proxy.message_id": record.message_id,
        "cpi_proxy.diagnosis": record.diagnosis,
        "error.type": record.code or (str(record.status) if failed(record) else ""),
    }
    return said | {name: text for name, text in rare.items() if text}


def failed(record: ExchangeRecord) -> bool:
    """Returns whether the span's status is an error; a fault of the sender is not one."""
    return record.status >= 500
