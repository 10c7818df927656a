"""Options that stay text, and are checked: names, HTTP fields, methods, OAuth values.

Each check returns the text, or raises a ValueError that says what is wrong and does not show the text.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from proxy.config.base import QUOTABLE
from proxy.syntax import TCHAR

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN = re.compile(f"[{TCHAR}]+")
_FIELD_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
_MEDIA_TYPE = re.compile(f"[{TCHAR}]+/[{TCHAR}]+")
_SCOPE = re.compile(r"[!#-\[\]-~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REGISTERED_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
OWN_FIELDS = {
    "authorization",
    "connection",
    "contentlength",
    "cookie",
    "expect",
    "host",
    "keepalive",
    "proxyauthorization",
    "proxyconnection",
    "te",
    "trailer",
    "transferencoding",
    "upgrade",
    "via",
    "xcsrftoken",
}
OWN_PARAMS = {
    "client_assertion": "the OAuth client's authentication",
    "client_assertion_type": "the OAuth client's authentication",
    "client_id": "`client_id`",
    "client_secret": "`client_secret`",
    "grant_type": "the proxy, which only does client credentials",
    "scope": "`scopes`",
    "token_format": "`token_format`",
}


def check_name(text: str) -> str:
    """A name as it is used in logs, metrics and on the command line."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            "is not a valid name; use letters, digits, dots, dashes and underscores, with a letter or digit first"
        )
    return text


def check_token(text: str) -> str:
    """A token (RFC 9110 §5.6.2): field names, methods and pseudonyms in Via are tokens."""
    if not _TOKEN.fullmatch(text):
        raise ValueError("is not a valid token; use only letters, digits and -._~!#$%&'*+^`| (RFC 9110 section 5.6.2)")
    return text


def check_free_field(text: str) -> str:
    """A field name, except those that the proxy itself sets or drops: framing, connection and credentials.

    Punctuation is ignored, because some servers read `Content_Length` as Content-Length.
    """
    if re.sub(r"[^a-z0-9]", "", check_token(text).lower()) in OWN_FIELDS:
        raise ValueError("is a field that the proxy itself sets or drops; remove it")
    return text


def check_field_value(text: str) -> str:
    """A field value (RFC 9110 §5.5) in ASCII: no controls, line ends included, and no white space around it."""
    if not _FIELD_VALUE.fullmatch(text):
        raise ValueError(
            "is not a valid field value; use visible ASCII characters, with spaces between them, on one line"
        )
    return text


def check_method(text: str) -> str:
    """A method that a route can allow; methods are case-sensitive (RFC 9110 §9.1)."""
    check_token(text)
    if text in {"CONNECT", "TRACE"}:
        raise ValueError("is a method that the proxy never forwards; remove it")
    if text.upper() in _REGISTERED_METHODS and text not in _REGISTERED_METHODS:
        raise ValueError(f"is not a valid method; write {text.upper()}, because methods are case-sensitive")
    return text


def check_media_range(text: str) -> str:
    """A media type without parameters, or all of a type (RFC 9110 §12.5.1), in lower case."""
    if not _MEDIA_TYPE.fullmatch(text) or "*" in text.removesuffix("/*"):
        raise ValueError("is not a valid media type; write one like application/xml or text/*, without parameters")
    return text.lower()


def check_scope(text: str) -> str:
    """One scope token (RFC 6749 §3.3)."""
    if not _SCOPE.fullmatch(text):
        raise ValueError(
            "is not a valid scope; use visible ASCII characters except quotes and backslashes, and one scope per item"
        )
    return text


def split_scopes(value: Any) -> Any:
    """Splits scopes that are one text with spaces (RFC 6749 §3.3)."""
    return value.split() if isinstance(value, str) else value


def check_free_param(text: str) -> str:
    """A parameter of the token request that no other option sets (RFC 6749 §3.2: none more than once)."""
    if owner := OWN_PARAMS.get(text):
        raise ValueError(f"is set by {owner}; remove it here")
    return text


def check_client_id(text: str) -> str:
    """A client id; white space around it is often left from copying, and causes a 401."""
    if text != text.strip():
        raise ValueError("begins or ends with white space or a line end; remove that")
    if not text or _CONTROL.search(text):
        raise ValueError("is empty or contains control characters; write the id as registered")
    return text


def check_secret(text: str) -> str:
    """A client secret without control characters (RFC 7617 §2); a line end is often left from copying."""
    if not text:
        raise ValueError("is empty; write the secret as registered")
    if _CONTROL.search(text):
        raise ValueError("contains a line end or another control character; write the secret as registered")
    return text


Name = Annotated[str, AfterValidator(check_name), QUOTABLE]
HttpToken = Annotated[str, AfterValidator(check_token), QUOTABLE]
FreeField = Annotated[str, AfterValidator(check_free_field)]
FieldValue = Annotated[str, AfterValidator(check_field_value)]
Method = Annotated[str, AfterValidator(check_method), QUOTABLE]
MediaRange = Annotated[str, AfterValidator(check_media_range), QUOTABLE]
Scopes = Annotated[
    tuple[Annotated[str, AfterValidator(check_scope)], ...],
    BeforeValidator(split_scopes),
    WithJsonSchema({"type": ["array", "string"], "items": {"type": "string"}}),
]
FreeParam = Annotated[str, AfterValidator(check_free_param)]
ClientId = Annotated[str, AfterValidator(check_client_id)]
