"""What the sandbox answers, as values: UAA's JSON, Tomcat's and gorouter's error pages, the runtime node's answers.

`response` turns such a value into aiohttp's response.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import assert_never

from aiohttp import web
from multidict import CIMultiDict

from proxy.sandbox import csrf
from proxy.sandbox.admission import Admission
from proxy.sandbox.flows import FlowFailure, make_mpl_id

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
"RFC 6749 §5.1 requires both in every token response."

HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload;")
_FETCH_FIELDS = (("Cache-Control", "private"), ("Expires", "Thu, 01 Jan 1970 00:00:00 UTC"))

_TOMCAT_STYLE = (
    "body {font-family:Tahoma,Arial,sans-serif;} h1, h2, h3, b {color:white;background-color:#525D76;} "
    "h1 {font-size:22px;} h2 {font-size:16px;} h3 {font-size:14px;} p {font-size:12px;} a {color:black;} "
    ".line {height:1px;background-color:#525D76;border:none;}"
)

_TOMCAT_TITLES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Payload Too Large"}
"Titles that differ from the standard library's phrases."

ROUTER_ERRORS = {
    "unknown_route": (404, "Requested route ('{host}') does not exist."),
    "endpoint_failure": (502, "Registered endpoint failed to handle the request."),
    "no_endpoints": (503, "Requested route ('{host}') has no available endpoints."),
}
"Status and sentence of gorouter for each value of X-Cf-RouterError."

AnswerFields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAnswer:
    """A complete response that is known before it is sent."""

    status: int = 200
    fields: AnswerFields = ()
    body: bytes = b""
    reason: str | None = None
    "None means the registered phrase; Tomcat sends an empty one."


def response(answer: SandboxAnswer) -> web.Response:
    """Returns aiohttp's response with SAP's Server field."""
    fields = CIMultiDict(answer.fields)
    fields.setdefault("Server", "SAP")
    reason = HTTPStatus(answer.status).phrase if answer.reason is None else answer.reason
    return web.Response(status=answer.status, reason=reason, headers=fields, body=answer.body)


def json_answer(document: Mapping[str, object], *, status: int = 200, fields: AnswerFields = ()) -> SandboxAnswer:
    """Returns a JSON document as UAA writes it."""
    content_type = ("Content-Type", "application/json;charset=UTF-8")
    return SandboxAnswer(status=status, fields=(content_type, *fields), body=json.dumps(document).encode())


def oauth_error(error: str, description: str, *, status: int, fields: AnswerFields = ()) -> SandboxAnswer:
    """Returns an error of a token endpoint (RFC 6749 §5.2)."""
    document = {"error": error, "error_description": description}
    return json_answer(document, status=status, fields=(*NO_STORE, *fields))


def text_answer(text: str, *, status: int, fields: AnswerFields = ()) -> SandboxAnswer:
    """Returns plain text in UTF-8."""
    content_type = ("Content-Type", "text/plain; charset=utf-8")
    return SandboxAnswer(status=status, fields=(content_type, *fields), body=text.encode())


def tomcat_page(status: int, *, fields: AnswerFields = ()) -> SandboxAnswer:
    """Returns Tomcat's error page without message, server line and reason phrase, as on a real tenant."""
    known = HTTPStatus(status)
    title = f"HTTP Status {status} – {_TOMCAT_TITLES.get(known, known.phrase)}"  # noqa: RUF001 (Tomcat writes an en dash)
    page = (
        f'<!doctype html><html lang="en"><head><title>{title}</title><style type="text/css">{_TOMCAT_STYLE}</style>'
        f"</head><body><h1>{title}</h1></body></html>"
    )
    html = ("Content-Type", "text/html;charset=utf-8"), ("Content-Language", "en")
    return SandboxAnswer(status=status, reason="", fields=(*html, *fields), body=page.encode())


def router_page(error: str, *, host: str) -> SandboxAnswer:
    """Returns gorouter's answer when it cannot reach an application; KeyError for an unknown error."""
    status, sentence = ROUTER_ERRORS[error]
    text = f"{status} {HTTPStatus(status).phrase}: {sentence.format(host=host)}\n"
    return text_answer(text, status=status, fields=(("X-Cf-RouterError", error), ("X-Content-Type-Options", "nosniff")))


def login_page() -> SandboxAnswer:
    """Returns the logon page that a token request gets during maintenance or after a redirect."""
    page = b"<html><head><title>SAP BTP</title></head><body><h1>Log On</h1></body></html>"
    return SandboxAnswer(fields=(("Content-Type", "text/html;charset=utf-8"),), body=page)


def refusal(admission: Admission, *, cookies: AnswerFields = ()) -> SandboxAnswer:
    """Returns Tomcat's page for a refused request; `cookies` are the Set-Cookie fields of a new session."""
    match admission:
        case Admission.TOKEN_MISSING:
            return tomcat_page(401, fields=(("WWW-Authenticate", 'Bearer error="invalid_token"'), HSTS))
        case Admission.ROLE_MISSING:
            return tomcat_page(403, fields=(HSTS,))
        case Admission.CSRF_REQUIRED:
            # Only this field distinguishes this 403 from that of a missing role.
            return tomcat_page(403, fields=((csrf.FIELD, "Required"), *cookies, HSTS))
        case Admission.ADDRESS_UNKNOWN:
            return tomcat_page(404, fields=(HSTS,))
        case Admission.METHOD_REFUSED:
            return tomcat_page(405, fields=(("Allow", "GET, POST, PUT, DELETE"), HSTS))
        case Admission.TOO_LARGE:
            return tomcat_page(413, fields=(HSTS,))
        case Admission.RUN | Admission.FETCH:
            raise ValueError(f"{admission} is not a refusal")
        case _:
            assert_never(admission)


def fetched(session: csrf.HttpSession, *, cookies: AnswerFields = ()) -> SandboxAnswer:
    """Returns the nonce of a session; the flow does not run."""
    return SandboxAnswer(reason="", fields=(*_FETCH_FIELDS, *cookies, (csrf.FIELD, session.nonce), HSTS))


def failed(failure: FlowFailure, *, mpl_id: str) -> SandboxAnswer:
    """Returns SAP's text for a failed flow, with SAP's spelling; the MPL id is only in the text."""
    the_id = f"The MPL ID for the failed message is : {mpl_id}"
    text = f"An internal server error occured: {the_id}\nFor more details please check tail log."
    if failure.reason is not None:
        text = f"An internal server error occured: {failure.reason}\n\n{the_id}"
    return text_answer(text, status=500, fields=(HSTS,))


def success_fields(mpl_id: str, *, correlation_only: bool) -> AnswerFields:
    """Returns the fields with ids; some tenants send only x-correlationid, which does not lead to the MPL."""
    correlation = ("x-correlationid", str(uuid.uuid4()))
    if correlation_only:
        return correlation, HSTS
    ids = ("SAP_MessageProcessingLogID", mpl_id), ("sap_mplcorrelationid", make_mpl_id())
    return *ids, correlation, HSTS
