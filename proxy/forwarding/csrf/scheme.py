"""How a flow asks for a CSRF token, how one is fetched, read and shown: everything that is peculiar to X-CSRF-Token.

Tomcat's RestCsrfPreventionFilter, which Cloud Integration's sender adapters use, answers 403 with
`X-CSRF-Token: Required`, gives a token to `X-CSRF-Token: Fetch`, and wants it back with the cookies of its session. It
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
"What a token is fetched with; the second one where the first is refused."
_NO_TOKENS = frozenset({b"required", b"fetch"})
"What the field says if it is no token."


def asked_for(head: ResponseHead) -> bool:
    """Whether an answer demands a token (in any case: real tenants differ)."""
    return head.status == 403 and head.fields.value(FIELD).lower() == b"required"


def fetch(prepared: PreparedRequest, authorization: bytes, method: str) -> UpstreamRequest:
    """The request for a token: target and Via of the message, the cookies of its session, and nothing else of it."""
    fields = [line for line in prepared.fields if line[:4].lower() == b"via:"]
    fields.append(b"X-CSRF-Token: Fetch")
    if prepared.cookies:
        fields.append(b"Cookie: " + prepared.cookies)
    fields.append(b"Authorization: " + authorization)
    return UpstreamRequest(method, prepared.target, prepared.authority, fields, UNSAID)


def read(head: ResponseHead, prepared: PreparedRequest, authorization: bytes) -> CsrfUnit | None:
    """The unit that the answer to a fetch gives, whatever its status: the filter comes before what answers."""
    token = head.fields.value(FIELD)
    if not token or token.lower() in _NO_TOKENS:
        return None
    cookies = head.fields.values(b"set-cookie")
    if prepared.cookies:
        return unit_within(prepared.cookies, token, cookies, authorization)
    return shared_unit(token, cookies, authorization)


def refuses_method(head: ResponseHead) -> bool:
    """Whether the answer to a fetch makes another method worth trying."""
    return head.status in (405, 501)


def shown(unit: CsrfUnit) -> list[bytes]:
    """The field lines by which a request shows a unit."""
    lines = [b"X-CSRF-Token: " + unit.token]
    if cookies := unit.cookie_field():
        lines.append(b"Cookie: " + cookies)
    return lines
