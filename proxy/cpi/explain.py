"""What an answer of the tenant means, and what to do: one pure function from status, fields and text to a diagnosis.

What Cloud Integration says is short, and often the same for different causes: a 403 is a missing role or a CSRF token,
a 404 a flow that is not deployed, an adapter under another prefix, or a host that belongs to nobody (SAP KBA 3592653,
SAP Help "HTTPS Sender Adapter", Cloud Foundry's gorouter).
"""

from collections.abc import Iterable
from typing import NamedTuple

from proxy.cpi.mpl import mpl_id_in_failure

Fields = Iterable[tuple[bytes, bytes]]


class Diagnosis(NamedTuple):
    """A cause, by a word that does not change, and what to do about it."""

    cause: str
    advice: str

    def __str__(self) -> str:
        return f"{self.cause}: {self.advice}"


TOKEN_REJECTED = Diagnosis(
    "token_rejected",
    "The runtime node does not take the token: is the OAuth client one of this tenant? On Neo it is registered for the "
    "subscription that ends in iflmap; on BTP the service key is of plan integration-flow, not api.",
)
ROLE_MISSING = Diagnosis(
    "role_missing",
    "The OAuth client may not send: give it ESBMessaging.send, or the role that the flow's sender adapter names (on "
    "Neo to the user oauth_client_<client id>). A new assignment takes up to an hour.",
)
CSRF_REQUIRED = Diagnosis(
    "csrf_required",
    "The flow is CSRF protected, and the message had no token that it takes: leave `csrf: auto` on, keep larger bodies "
    "by `buffer` or `spool` so that they can be sent again, or switch the protection off in the sender adapter.",
)
NO_FLOW = Diagnosis(
    "no_flow",
    "No integration flow takes this path: is it deployed and started, and is the address right? HTTPS adapters are "
    "under /http, those of SOAP, XI and IDoc under /cxf.",
)
WRONG_HOST = Diagnosis(
    "wrong_host",
    "No application has this host: take `upstream` from the service key's url, or from the flow's endpoint in the "
    "monitor.",
)
METHOD_REFUSED = Diagnosis("method_refused", "The flow's sender adapter does not take this method; most want POST.")
BODY_TOO_LARGE = Diagnosis(
    "body_too_large", "The body is larger than the sender adapter's Body Size (40 MB unless set): raise it there."
)
MEDIA_TYPE_REFUSED = Diagnosis(
    "media_type_refused", "The flow does not take this Content-Type; SOAP adapters want XML."
)
TOO_MANY = Diagnosis("too_many_requests", "The tenant is asked too often: send fewer at a time, and again later.")
FLOW_FAILED = Diagnosis(
    "flow_failed", "The flow ran and failed: look the message up in the monitor before sending it again."
)
RUNTIME_UNAVAILABLE = Diagnosis(
    "runtime_unavailable",
    "The runtime node does not serve now: it restarts, or parallel messages have used it up; send again later, with "
    "less at a time.",
)
RUNTIME_SILENT = Diagnosis(
    "runtime_silent", "The router in front had no answer from the runtime in time; the message may have been processed."
)

_BY_STATUS = {
    401: TOKEN_REJECTED,
    403: ROLE_MISSING,
    404: NO_FLOW,
    405: METHOD_REFUSED,
    413: BODY_TOO_LARGE,
    415: MEDIA_TYPE_REFUSED,
    429: TOO_MANY,
    500: FLOW_FAILED,
    502: RUNTIME_UNAVAILABLE,
    503: RUNTIME_UNAVAILABLE,
    504: RUNTIME_SILENT,
}
_BY_ROUTER = {
    b"unknown_route": WRONG_HOST,
    b"endpoint_failure": RUNTIME_UNAVAILABLE,
    b"no_endpoints": RUNTIME_UNAVAILABLE,
}
"What gorouter says in X-Cf-RouterError (SAP Help, Cloud Foundry routing)."


def explain(status: int, fields: Fields, text: bytes) -> Diagnosis | None:
    """The diagnosis of a failure, from its first octets; None where there is none, or nobody knows."""
    if status < 400:
        return None
    said = {name.lower(): value for name, value in fields}
    if router := _BY_ROUTER.get(said.get(b"x-cf-routererror", b"").partition(b" ")[0]):  # newer ones add a reason
        return router
    if status == 403 and said.get(b"x-csrf-token", b"").lower() == b"required":
        return CSRF_REQUIRED
    if status == 404 and b"Requested route (" in text:
        return WRONG_HOST
    if mpl_id_in_failure(text):  # whatever status the flow has set
        return FLOW_FAILED
    return _BY_STATUS.get(status)
