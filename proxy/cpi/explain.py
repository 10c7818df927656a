"""What a failure of the tenant means and what to do about it: a pure function of status, fields and text.

Cloud Integration says little, and often the same for different causes. A 403 is a missing role or a missing CSRF token;
a 404 is a flow that is not deployed, an adapter under another prefix, or an unknown host (SAP KBA 3592653, SAP Help
"HTTPS Sender Adapter", Cloud Foundry's gorouter).
"""

from typing import NamedTuple

from proxy.cpi.mpl import mpl_id_in_failure
from proxy.wire.field_names import FieldPairs


class Diagnosis(NamedTuple):
    """A cause, named by a word that does not change, and what to do about it."""

    cause: str
    advice: str

    def __str__(self) -> str:
        return f"{self.cause}: {self.advice}"


TOKEN_REJECTED = Diagnosis(
    "token_rejected",
    "The runtime node does not accept the token. Check that the OAuth client belongs to this tenant: on Neo it must be "
    "registered for the subscription whose name ends in iflmap; on BTP the service key must be of plan "
    "integration-flow, not api.",
)
ROLE_MISSING = Diagnosis(
    "role_missing",
    "The OAuth client has no permission to send. Assign the role ESBMessaging.send, or the role that the flow's sender "
    "adapter names (on Neo to the user oauth_client_<client id>). A new assignment can take up to an hour.",
)
CSRF_REQUIRED = Diagnosis(
    "csrf_required",
    "The flow is CSRF protected, and it did not accept the message's CSRF token. Leave `csrf: auto` on, and raise "
    "`buffer` or `spool` so that larger bodies can be sent again; or switch CSRF protection off in the sender adapter.",
)
NO_FLOW = Diagnosis(
    "no_flow",
    "No integration flow has this path. Check that the flow is deployed and started, and that the path is right: HTTPS "
    "adapters are under /http; SOAP, XI and IDoc adapters are under /cxf.",
)
WRONG_HOST = Diagnosis(
    "wrong_host",
    "No application has this host. Set `upstream` to the url in the service key, or to the flow's endpoint in the "
    "monitor.",
)
METHOD_REFUSED = Diagnosis(
    "method_refused", "The flow's sender adapter does not accept this method; most adapters accept only POST."
)
BODY_TOO_LARGE = Diagnosis(
    "body_too_large", "The body is larger than the sender adapter's Body Size (40 MB by default). Raise it there."
)
MEDIA_TYPE_REFUSED = Diagnosis(
    "media_type_refused", "The flow does not accept this Content-Type; SOAP adapters expect XML."
)
TOO_MANY = Diagnosis(
    "too_many_requests", "The tenant receives too many requests. Send fewer at a time, and try again later."
)
FLOW_FAILED = Diagnosis(
    "flow_failed", "The flow ran and failed. Find the message in the monitor before you send it again."
)
RUNTIME_UNAVAILABLE = Diagnosis(
    "runtime_unavailable",
    "The runtime node is not available: it is restarting, or it has too many messages at a time. Try again later, with "
    "fewer at a time.",
)
RUNTIME_SILENT = Diagnosis(
    "runtime_silent",
    "The runtime node did not answer the tenant's router in time. The message may have been processed.",
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
"Values of gorouter's X-Cf-RouterError (SAP Help, Cloud Foundry routing)."


def explain(status: int, fields: FieldPairs, text: bytes) -> Diagnosis | None:
    """Returns what a failure means, from the beginning of its text; None for a success or an unknown failure."""
    if status < 400:
        return None
    values = {name.lower(): value for name, value in fields}
    if router := _BY_ROUTER.get(values.get(b"x-cf-routererror", b"").partition(b" ")[0]):  # newer routers add a reason
        return router
    if status == 403 and values.get(b"x-csrf-token", b"").lower() == b"required":
        return CSRF_REQUIRED
    if status == 404 and b"Requested route (" in text:
        return WRONG_HOST
    if mpl_id_in_failure(text):  # a flow can set any status
        return FLOW_FAILED
    return _BY_STATUS.get(status)
