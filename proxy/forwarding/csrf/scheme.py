"""The X-CSRF-Token scheme: how a flow asks for a token, and how a token is fetched, read and sent.

Tomcat's RestCsrfPreventionFilter, which Cloud Integration's sender adapters use, answers 403 with
`X-CSRF-Token: Required`, returns a token for `X-CSRF-Token: Fetch`, and expects it with the cookies of its session. It
answers before the flow runs.
"""

from proxy.forwarding.csrf.unit import CsrfUnit, shared_unit, unit_within
from proxy.forwarding.prepared_request import PreparedRequest
from proxy.upstream.request import UpstreamRequest
from proxy.wire.grammar import UNSAID, ResponseHead

FIELD = b"x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"Methods that need no token."
METHODS = ("HEAD", "GET")
"Methods to fetch a token with. The second one is used if the first is refused."
_NO_TOKENS = frozenset({b"required", b"fetch"})
"Values that are not a token."


def asked_for(head: ResponseHead) -> bool:
    """Whether an answer asks for a token. Tenants differ in the case of the value."""
    return head.status == 403 and head.fields.value(FIELD).lower() == b"required"


def fetch(prepared: PreparedRequest, authorization: bytes, method: str) -> UpstreamRequest:
    """Returns the request for a token. Of the message it has the target, Via and the session cookies only."""
    fields = [line for line in prepared.fields if line[:4].lower() == b"via:"]
    fields.append(b"X-CSRF-Token: Fetch")
    if prepared.cookies:
        fields.append(b"Cookie: " + prepared.cookies)
    fields.append(b"Authorization: " + authorization)
    return UpstreamRequest(method, prepared.target, prepared.authority, fields, UNSAID)


def read(head: ResponseHead, prepared: PreparedRequest, authorization: bytes) -> CsrfUnit | None:
    """Returns the unit in the answer to a fetch. The status does not matter, because the filter runs first."""
    token = head.fields.value(FIELD)
    if not token or token.lower() in _NO_TOKENS:
        return None
    cookies = head.fields.values(b"set-cookie")
    if prepared.cookies:
        return unit_within(prepared.cookies, token, cookies, authorization)
    return shared_unit(token, cookies, authorization)


def refuses_method(head: ResponseHead) -> bool:
    """Whether the upstream refuses the method of a fetch."""
    return head.status in (405, 501)


def field_lines(unit: CsrfUnit) -> list[bytes]:
    """Returns the field lines that send a unit."""
    lines = [b"X-CSRF-Token: " + unit.token]
    if cookies := unit.cookie_field():
        lines.append(b"Cookie: " + cookies)
    return lines
