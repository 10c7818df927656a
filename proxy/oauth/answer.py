"""What a token endpoint's answer means: a token (RFC 6749 §5.1) or a typed failure (§5.2).

No message quotes the server's text, because servers echo secrets there. A message names only the status, and the error
code if RFC 6749 §5.2 registers it.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from proxy.errors import AuthorizationServerError, GrantMalformed, GrantRejected, GrantUnavailable
from proxy.oauth.lifetime import seconds

if TYPE_CHECKING:
    from proxy.oauth.grant import GrantRequest

MAX_BODY = 1 << 20
"Bytes of the body of an answer; no token is that long."

MAX_RETRY_AFTER = 600
"Seconds; a longer Retry-After is shortened to this."

_ADVICE = {
    "invalid_client": "check client_id, the secret or key, and token_endpoint_auth_method",
    "invalid_grant": "check client_id and whether the client credentials grant is allowed for it",
    "invalid_request": "check token_url, params_in and endpoint_params",
    "invalid_scope": "check scopes",
    "unauthorized_client": "allow the client credentials grant for this OAuth client",
    "unsupported_grant_type": "check whether token_url is the token endpoint of the right server",
}
"The error codes that RFC 6749 §5.2 registers, and what to do about each."

_BEARER = {"", "bearer", "bearertoken"}
"The `token_type` of a bearer token, in lower case: none, that of RFC 6750, and Apigee's."

_KNOWN_TEXTS = {
    b"your session was not found": "append /oauth/token to token_url",
    b"does not map to a valid identity zone": "check the subdomain in token_url",
    b"Requested route (": "check the host in token_url",
    b"Unauthorized grant type": _ADVICE["unauthorized_client"],
}
"What UAA, and gorouter in front of it, write into errors, and what to do about each."


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """An answer as received, with at most one byte more than MAX_BODY of its body."""

    status: int
    content_type: str = ""
    retry_after: str | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The content of a token response; `expires_in` is None if the server did not say how long the token lives."""

    access_token: str = field(repr=False)
    expires_in: float | None = None
    scopes: tuple[str, ...] = ()


def read_answer(answer: TokenResponse, request: "GrantRequest", *, wall: float) -> Granted:
    """Returns what was granted, or raises the AuthorizationServerError that the answer means; `wall` is now."""
    status = answer.status
    if 200 <= status < 300:
        return _read_granted(answer, request)
    if 400 <= status < 500 and status not in {408, 429}:
        raise _rejected(answer, request)
    if status in {408, 429} or 500 <= status < 600:
        raise GrantUnavailable(
            f"{request.subject} answered {status}: {_unavailable_advice(status)}.",
            retry_after=retry_after_seconds(answer.retry_after, wall=wall),
        )
    if 300 <= status < 400:
        advice = "redirects are not followed with credentials; set token_url to the token endpoint itself"
        raise GrantMalformed(f"{request.subject} answered {status}: {advice}.")
    raise _malformed(answer, request, "an unexpected status")


def retry_after_seconds(value: str | None, *, wall: float, most: float = MAX_RETRY_AFTER) -> int | None:
    """Returns the seconds of a Retry-After (RFC 9110 §10.2.3: a number or a date), 1 to `most`; None if unreadable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return _bounded(float(text), most)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return _bounded((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall, most)


def _bounded(wanted: float, most: float) -> int:
    return int(max(1, min(wanted, most)))


def _read_granted(answer: TokenResponse, request: "GrantRequest") -> Granted:
    document = _document(answer)
    if document is None:
        raise _malformed(answer, request, _body_kind(answer))
    token = document.get("access_token")
    if not token and "error" in document:
        raise _rejected(answer, request)
    if not isinstance(token, str) or not token:
        raise _malformed(answer, request, "JSON without an access_token")
    if not all("!" <= letter <= "~" for letter in token):
        # RFC 6749 Appendix A.12 without the space, which would split the value of Authorization
        raise _malformed(answer, request, "an access_token with characters that a header field cannot carry")
    if not _is_bearer(document.get("token_type")):
        raise GrantMalformed(
            f"{request.subject} granted a token whose token_type is not Bearer. Cloud Integration accepts no other: "
            "configure the authorization server to issue bearer tokens to this OAuth client."
        )
    return Granted(access_token=token, expires_in=seconds(document.get("expires_in")), scopes=_scopes(document))


def _is_bearer(token_type: Any) -> bool:
    """Compares without case (RFC 6749 §5.1) and without white space around the type.

    A missing or empty type counts as bearer: the runtime node checks the token itself.
    """
    return token_type is None or (isinstance(token_type, str) and token_type.strip().lower() in _BEARER)


def _scopes(document: dict[str, Any]) -> tuple[str, ...]:
    """Reads `scope` (RFC 6749 §3.3, words) or Neo's `scopes` (a list)."""
    found = document.get("scope") or document.get("scopes")
    if isinstance(found, str):
        return tuple(found.split())
    return tuple(word for word in found if isinstance(word, str)) if isinstance(found, list) else ()


def _document(answer: TokenResponse) -> dict[str, Any] | None:
    """Returns the JSON object in the body, whatever the content type; None if there is none."""
    if len(answer.body) > MAX_BODY:
        return None
    try:
        document = json.loads(answer.body, parse_int=float)  # int refuses more than 4300 digits
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _rejected(answer: TokenResponse, request: "GrantRequest") -> AuthorizationServerError:
    error = (_document(answer) or {}).get("error")
    code = error if isinstance(error, str) and error in _ADVICE else ""
    known = next((advice for text, advice in _KNOWN_TEXTS.items() if text in answer.body), "")
    advice = known or (_ADVICE[code] if code else _rejected_advice(answer.status))
    if request.hint and not known and (code == "invalid_client" or answer.status == 401):
        advice = f"{advice}; {request.hint}"
    reason = f"{answer.status} {code}".rstrip()
    return GrantRejected(f"{request.subject} refused the grant with {reason}: {advice}.")


def _rejected_advice(status: int) -> str:
    match status:
        case 401 | 403:
            return _ADVICE["invalid_client"]
        case 404 | 405 | 410:
            return "check token_url, which is not a token endpoint"
        case _:
            return "check token_url, client_id, its credentials and params_in"


def _unavailable_advice(status: int) -> str:
    return "too many token requests; try again later" if status == 429 else "it is unavailable; try again later"


def _malformed(answer: TokenResponse, request: "GrantRequest", what: str) -> GrantMalformed:
    return GrantMalformed(
        f"{request.subject} answered {answer.status} with {what} instead of a token: check token_url."
    )


def _body_kind(answer: TokenResponse) -> str:
    if len(answer.body) > MAX_BODY:
        return "more than 1 MiB"
    if not answer.body.strip():
        return "an empty body"
    is_html = "html" in answer.content_type.lower() or answer.body.lstrip().startswith(b"<")
    return "an HTML page" if is_html else "something that is not a JSON object"
