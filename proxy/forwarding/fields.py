"""Which fields go on, in which direction.

What holds for all routes is judged once for each name, when a head is read (`proxy.wire.grammar`); what a route adds
is kept by its FieldRules, made with it. End-to-end fields keep their octets, order and repetition. Hop-by-hop fields
(RFC 9110 §7.6.1), and what must not leave the house or reach the sender, go before anything is added.
"""

import re

from proxy.wire.field_names import LONGEST, MOST, FieldNames
from proxy.wire.grammar import Fields

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding"
    b" upgrade".split()
)
_SET_BY_US = frozenset(b"host content-length authorization expect cookie".split())
"Cookies go on as `proxy.forwarding.cookies` rewrites them."
_CREDENTIALS = frozenset(b"mysapsso2 sap-r3auth cookie2".split())
_SAP_ALLOWED = frozenset(b"sap_applicationid sap_sender sap_receiver sap_messagetype".split())
_LOOK_ALIKES = frozenset(
    b"contentlength transferencoding host authorization proxyauthorization mysapsso2 sapr3auth forwarded".split()
)
_ONLY_BY_NAME = {b"cookie": b"cookie", b"cookie2": b"cookie2", b"contenttype": b"content-type"}
"Fields that are looked at here under their own names only, by their letters."
_END_TO_END = re.compile(
    rb"(?:accept|content|if|sap|sec-fetch)[-_].*|accept|authorization|cache-control|cookie2?|date|etag|expect|expires"
    rb"|from|host|last-modified|location|mysapsso2|origin|range|referer|retry-after|set-cookie|soapaction|user-agent|vary"
    rb"|sapmessageidex|via|warning|x-correlationid|x-csrf-token|x-http-method(?:-override)?|x-request-id|x-requested-with"
)
"What is for the message's last reader, or was looked at here: Connection cannot take it away (RFC 9110 §7.6.1)."
_NOT_LETTERS = re.compile(rb"[^a-z0-9]")

_REQUEST_ASKED = frozenset(
    b"authorization connection content-length content-type cookie expect host origin proxy-connection sec-fetch-site"
    b" traceparent tracestate transfer-encoding via x-csrf-token x-forwarded-for x-request-id".split()
)
_REQUEST_SINGLE = frozenset(
    b"content-length content-location content-range content-type etag host max-forwards server transfer-encoding"
    b" user-agent".split()
)
"RFC 9110 §5.3, and §6.3 of RFC 9112: two of these are two messages to two readers."
_REQUEST_COMMON = (
    b"accept accept-encoding accept-language cache-control content-encoding date from pragma referer sap_applicationid"
    b" sap_messagetype sap_receiver sap_sender sapmessageidex soapaction x-correlation-id".split()
)
_RESPONSE_ASKED = frozenset(
    b"connection content-encoding content-length keep-alive proxy-connection retry-after sap_messageprocessinglogid"
    b" sap_mplcorrelationid set-cookie transfer-encoding x-correlationid x-csrf-token"
    b" x-request-id".split()
)
_RESPONSE_SINGLE = frozenset(b"content-length transfer-encoding".split())
_RESPONSE_DROPPED = _HOP_BY_HOP | frozenset(b"content-length www-authenticate set-cookie".split())
_RESPONSE_COMMON = (
    b"cache-control content-disposition content-encoding content-language content-type date etag expires last-modified"
    b" location server strict-transport-security vary x-content-type-options x-frame-options x-vcap-request-id".split()
)


def request_names() -> FieldNames:
    """The table of names of requests."""
    return FieldNames(request_passes, asked=_REQUEST_ASKED, single=_REQUEST_SINGLE, common=_REQUEST_COMMON)


def response_names() -> FieldNames:
    """The table of names of responses."""
    return FieldNames(response_passes, asked=_RESPONSE_ASKED, single=_RESPONSE_SINGLE, common=_RESPONSE_COMMON)


def request_passes(name: bytes, *, sap_fields: bool = False) -> bool:
    """Whether a request field of that name, in lower case, goes on; with `sap_fields` those of SAP and Camel do."""
    if name.startswith((b"sap_", b"camel")) and name not in _SAP_ALLOWED and not sap_fields:
        return False
    letters = _NOT_LETTERS.sub(b"", name)
    return not (
        name in _HOP_BY_HOP
        or name in _SET_BY_US
        or name in _CREDENTIALS
        or letters in _LOOK_ALIKES  # a careless server drops punctuation too
        or letters.startswith(b"xforwarded")
        or _ONLY_BY_NAME.get(letters, name) != name
    )


def response_passes(name: bytes) -> bool:
    """Whether a response field of that name, in lower case, goes on; nobody but us has a Proxy-Status here."""
    return name not in _RESPONSE_DROPPED and _NOT_LETTERS.sub(b"", name) != b"proxystatus"


class FieldRules:
    """What one route does with the fields of requests; made with the route."""

    __slots__ = ("_drop", "_known", "_sap_fields")

    def __init__(self, *, drop: frozenset[bytes] = frozenset(), sap_fields: bool = False) -> None:
        self._drop = drop
        "`drop_fields`, and the names of `set_fields`, which replace the sender's; in lower case."
        self._sap_fields = sap_fields
        "`forward_sap_fields`."
        self._known: dict[bytes, bool] = {}

    def __repr__(self) -> str:
        return f"<FieldRules, {len(self._drop)} dropped>"

    def select(self, fields: Fields) -> list[bytes]:
        """The lines that go on, as they came, in order; for reading only."""
        if not self._drop and not self._sap_fields:
            return end_to_end(fields)
        known = self._known
        kept: list[bytes] = []
        for line in fields.lines if self._sap_fields else fields.passing:
            name = line.partition(b":")[0]
            passes = known.get(name)
            if passes or (passes is None and self._judge(name)):
                kept.append(line)
        return without(kept, fields.named) if fields.named else kept

    def _judge(self, name: bytes) -> bool:
        lower = name.lower()
        passes = lower not in self._drop and request_passes(lower, sap_fields=self._sap_fields)
        if len(self._known) < MOST and len(name) <= LONGEST:
            self._known[name] = passes
        return passes


def end_to_end(fields: Fields) -> list[bytes]:
    """The lines that go on where no route says otherwise, as they came, in order; for reading only."""
    return without(fields.passing, fields.named) if fields.named else fields.passing


def without(lines: list[bytes], named: frozenset[bytes]) -> list[bytes]:
    """The lines that Connection does not name, or cannot take away (RFC 9110 §7.6.1)."""
    dropped = frozenset(name for name in named if not _END_TO_END.fullmatch(name))
    return [line for line in lines if line.partition(b":")[0].lower() not in dropped] if dropped else lines
