"""What a token endpoint's answer means: a token (RFC 6749 §5.1) or a typed failure (§5.2).

Nothing of the server's text gets into a message, for servers echo secrets there: only the status, and the error code if
RFC 6749 §5.2 registers it.
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
"Bytes of an answer that are read; no token is that long."

MAX_RETRY_AFTER = 600
"Seconds; whoever asks for more is asked again after this."

_ADVICE = {
    "invalid_client": "check client_id, the secret or key, and token_endpoint_auth_method",
    "invalid_grant": "check client_id and whether the client credentials grant is allowed for it",
    "invalid_request": "check token_url, params_in and endpoint_params",
    "invalid_scope": "check scopes",
    "unauthorized_client": "allow the client credentials grant for this OAuth client",
    "unsupported_grant_type": "check whether token_url is the token endpoint of the right server",
}
"The error codes that RFC 6749 §5.2 registers, with what to do about each."

_BEARER = {"", "bearer", "bearertoken"}
"What a token for `Authorization: Bearer` (RFC 6750) calls its type, in lower case."

_KNOWN_TEXTS = {
    b"your session was not found": "append /oauth/token to token_url",
    b"does not map to a valid identity zone": "check the subdomain in token_url",
    b"Requested route (": "check the host in token_url",
    b"Unauthorized grant type": _ADVICE["unauthorized_client"],
}
"What UAA, and gorouter in front of it, say in refusals, with what to do about each."


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """An answer as received; the body is read up to one byte beyond MAX_BODY."""

    status: int
    content_type: str = ""
    retry_after: str | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a token response says; `expires_in` is None where it says nothing about time."""

    access_token: str = field(repr=False)
    expires_in: float | None = None
    scopes: tuple[str, ...] = ()


def read_answer(answer: TokenResponse, request: "GrantRequest", *, wall: float) -> Granted:
    """Return what was granted, or raise the AuthorizationServerError that the answer means; `wall` is now."""
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
        advice = "a redirect, which is never followed with credentials; set token_url to the token endpoint itself"
        raise GrantMalformed(f"{request.subject} answered {status}, {advice}.")
    raise _malformed(answer, request, "not a status of RFC 9110")


def retry_after_seconds(value: str | None, *, wall: float) -> int | None:
    """Whole seconds of a Retry-After (RFC 9110 §10.2.3: seconds or a date), 1 to 600; None when unreadable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return _bounded(float(text))
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return _bounded((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall)


def _bounded(wanted: float) -> int:
    return int(max(1, min(wanted, MAX_RETRY_AFTER)))


def _read_granted(answer: TokenResponse, request: "GrantRequest") -> Granted:
    document = _document(answer)
    if document is None:
        raise _malformed(answer, request, _what_instead(answer))
    token = document.get("access_token")
    if not token and "error" in document:
        raise _rejected(answer, request)
    if not isinstance(token, str) or not token:
        raise _malformed(answer, request, "JSON without an access_token")
    if not all("!" <= letter <= "~" for letter in token):
        # RFC 6749 Appendix A.12, less the space: what would end or split the Authorization field is no token
        raise _malformed(answer, request, "an access_token with letters that no field can carry")
    if not _is_bearer(document.get("token_type")):
        raise GrantMalformed(
            f"{request.subject} granted a token whose token_type is not Bearer, and Cloud Integration takes no other: "
            "have bearer tokens issued to this OAuth client."
        )
    return Granted(access_token=token, expires_in=seconds(document.get("expires_in")), scopes=_scopes(document))


def _is_bearer(token_type: Any) -> bool:
    """Compare without case (RFC 6749 §5.1), and without white space around it.

    Apigee says BearerToken. A missing or empty type is let through: the runtime node takes nothing but Bearer, and
    judges the token itself.
    """
    return token_type is None or (isinstance(token_type, str) and token_type.strip().lower() in _BEARER)


def _scopes(document: dict[str, Any]) -> tuple[str, ...]:
    """Read `scope` (RFC 6749 §3.3, words) or Neo's `scopes` (a list)."""
    found = document.get("scope") or document.get("scopes")
    if isinstance(found, str):
        return tuple(found.split())
    return tuple(word for word in found if isinstance(word, str)) if isinstance(found, list) else ()


def _document(answer: TokenResponse) -> dict[str, Any] | None:
    """Read the JSON object, whatever the content type says of it; None where there is none."""
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
    if request.suspicion and not known and (code == "invalid_client" or answer.status == 401):
        advice = f"{advice}; {request.suspicion}"
    told = f"{answer.status} {code}".rstrip()
    return GrantRejected(f"{request.subject} refused the grant with {told}: {advice}.")


def _rejected_advice(status: int) -> str:
    match status:
        case 401 | 403:
            return _ADVICE["invalid_client"]
        case 404 | 405 | 410:
            return "check token_url, it leads to no token endpoint"
        case _:
            return "check token_url, client_id, its credentials and params_in"


def _unavailable_advice(status: int) -> str:
    return "it is asked too often; try again later" if status == 429 else "it cannot serve now; try again later"


def _malformed(answer: TokenResponse, request: "GrantRequest", what: str) -> GrantMalformed:
    return GrantMalformed(
        f"{request.subject} answered {answer.status} with {what} where a token was due: check token_url."
    )


def _what_instead(answer: TokenResponse) -> str:
    if len(answer.body) > MAX_BODY:
        return "more than 1 MiB"
    if not answer.body.strip():
        return "an empty body"
    is_html = "html" in answer.content_type.lower() or answer.body.lstrip().startswith(b"<")
    return "an HTML page" if is_html else "something that is no JSON object"
