"""Selects the fields that are forwarded, in both directions.

Rules for all routes are applied once for each name, when a head is read (`proxy.wire.grammar`). FieldRules add those
of a route. End-to-end fields keep their bytes, order and repetition. Hop-by-hop fields (RFC 9110 §7.6.1) and
credentials are removed before any field is added.
"""

import re

from proxy.wire.field_names import LONGEST, MOST, FieldNames
from proxy.wire.grammar import Fields

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding"
    b" upgrade".split()
)
_SET_BY_US = frozenset(b"host content-length authorization expect cookie".split())
"Cookies are forwarded as `proxy.forwarding.cookies` rewrites them."
_CREDENTIALS = frozenset(b"mysapsso2 sap-r3auth cookie2".split())
_SAP_ALLOWED = frozenset(b"sap_applicationid sap_sender sap_receiver sap_messagetype".split())
_LOOK_ALIKES = frozenset(
    b"contentlength transferencoding host authorization proxyauthorization mysapsso2 sapr3auth forwarded".split()
)
_ONLY_BY_NAME = {b"cookie": b"cookie", b"cookie2": b"cookie2", b"contenttype": b"content-type"}
"Fields that are forwarded under their exact names only, by their letters."
_END_TO_END = re.compile(
    rb"(?:accept|content|if|sap|sec-fetch)[-_].*|accept|authorization|cache-control|cookie2?|date|etag|expect|expires"
    rb"|from|host|last-modified|location|mysapsso2|origin|range|referer|retry-after|set-cookie|soapaction|user-agent|vary"
    rb"|sapmessageidex|via|warning|x-correlationid|x-csrf-token|x-http-method(?:-override)?|x-request-id|x-requested-with"
)
"Fields for the final recipient, or that this proxy has evaluated: Connection cannot remove them (RFC 9110 §7.6.1)."
_NOT_LETTERS = re.compile(rb"[^a-z0-9]")

_REQUEST_ASKED = frozenset(
    b"authorization connection content-length content-type cookie expect host origin proxy-connection sec-fetch-site"
    b" traceparent tracestate transfer-encoding via x-csrf-token x-forwarded-for x-request-id".split()
)
_REQUEST_SINGLE = frozenset(
    b"content-length content-location content-range content-type etag host max-forwards server transfer-encoding"
    b" user-agent".split()
)
"RFC 9110 §5.3, RFC 9112 §6.3: with two of these, two recipients may read two different messages."
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
    """Returns the table of request field names."""
    return FieldNames(request_passes, asked=_REQUEST_ASKED, single=_REQUEST_SINGLE, common=_REQUEST_COMMON)


def response_names() -> FieldNames:
    """Returns the table of response field names."""
    return FieldNames(response_passes, asked=_RESPONSE_ASKED, single=_RESPONSE_SINGLE, common=_RESPONSE_COMMON)


def request_passes(name: bytes, *, sap_fields: bool = False) -> bool:
    """Whether a request field is forwarded; its name is in lower case. `sap_fields` includes those of SAP and Camel."""
    if name.startswith((b"sap_", b"camel")) and name not in _SAP_ALLOWED and not sap_fields:
        return False
    letters = _NOT_LETTERS.sub(b"", name)
    return not (
        name in _HOP_BY_HOP
        or name in _SET_BY_US
        or name in _CREDENTIALS
        or letters in _LOOK_ALIKES  # a lenient server ignores punctuation
        or letters.startswith(b"xforwarded")
        or _ONLY_BY_NAME.get(letters, name) != name
    )


def response_passes(name: bytes) -> bool:
    """Whether a response field is forwarded; its name is in lower case. Proxy-Status is ours alone."""
    return name not in _RESPONSE_DROPPED and _NOT_LETTERS.sub(b"", name) != b"proxystatus"


class FieldRules:
    """The rules of one route for request fields."""

    __slots__ = ("_drop", "_known", "_sap_fields")

    def __init__(self, *, drop: frozenset[bytes] = frozenset(), sap_fields: bool = False) -> None:
        self._drop = drop
        "Names from `drop_fields` and `set_fields`, in lower case."
        self._sap_fields = sap_fields
        "`forward_sap_fields`."
        self._known: dict[bytes, bool] = {}

    def __repr__(self) -> str:
        return f"<FieldRules, {len(self._drop)} dropped>"

    def select(self, fields: Fields) -> list[bytes]:
        """Returns the lines to forward, unchanged and in order. The list must not be modified."""
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
    """Returns the lines to forward if a route has no rules, in order. The list must not be modified."""
    return without(fields.passing, fields.named) if fields.named else fields.passing


def without(lines: list[bytes], named: frozenset[bytes]) -> list[bytes]:
    """Returns the lines that Connection does not name, or cannot remove (RFC 9110 §7.6.1)."""
    dropped = frozenset(name for name in named if not _END_TO_END.fullmatch(name))
    return [line for line in lines if line.partition(b":")[0].lower() not in dropped] if dropped else lines
