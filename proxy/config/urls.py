"""The URLs and paths of the file, checked and normalized."""

import re
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from pydantic import AfterValidator, SecretStr

from proxy.config.base import QUOTABLE
from proxy.hosts import is_loopback

_VISIBLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_LAST_DOT = re.compile(r"\.+(?=(?::[0-9]*)?$)")
_PATH = re.compile(r"/[!-~]*")
_GRANT = {"grant_type", "token_format"}
_OPTIONS = {"client_id", "client_secret"}
_CREDENTIALS = {*_OPTIONS, "client_assertion"}


def check_url(text: str) -> str:
    """An absolute http or https URL without credentials and fragment; ValueError does not show it.

    The dot at the end of the host is removed, because neither SNI (RFC 6066 §3) nor certificates have it.
    """
    parts = _split(text)
    if "@" in parts.netloc:
        raise ValueError("contains credentials; remove them and use `client_id` and `client_secret`")
    if "#" in text:
        raise ValueError("has a fragment; remove # and what follows")
    rest = text[len(parts.scheme) + len("://") + len(parts.netloc) :]
    return f"{parts.scheme}://{_LAST_DOT.sub('', parts.netloc)}{rest}"


def check_token_url(text: str) -> str:
    """A token URL, without credentials (RFC 6749 §2.3.1)."""
    url = check_url(text)
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    if found := sorted(_CREDENTIALS & query.keys()):
        instead = f" and set `{found[0]}`" if found[0] in _OPTIONS else ""
        raise ValueError(f"has {found[0]} in its query; remove it{instead}")
    if query.get("grant_type", "client_credentials") != "client_credentials":
        raise ValueError("asks for a grant other than client_credentials; remove grant_type")
    return url


def check_upstream(text: str) -> str:
    """An upstream, absolute or relative to a service key's url, without one trailing slash."""
    return check_path(text) if text.startswith("/") else check_server(text)


def check_server(text: str) -> str:
    """An absolute URL that paths are appended to, without one trailing slash."""
    url = check_url(text)
    if "?" in url:
        raise ValueError("has a query; remove ? and what follows, because each request has its own")
    return without_slash(url)


def check_path(text: str) -> str:
    """A path prefix without one trailing slash, so that `/` is empty; dot segments never match and are refused."""
    if not _PATH.fullmatch(text) or "?" in text or "#" in text or "\\" in text:
        raise ValueError(
            "is not a valid path; begin with / and percent-encode white space and anything that is not ASCII"
        )
    if any(unquote(segment) in {".", ".."} for segment in text.split("/")):
        raise ValueError("has a . or .. segment; write the path without it")
    return without_slash(text)


def without_slash(text: str) -> str:
    """Removes one slash at the end."""
    return text.removesuffix("/")


def check_host(text: str) -> str:
    """A host as it is compared with that of a request: in lower case, without port and without a dot at its end."""
    host = re.sub(r":[0-9]*$", "", text) if text.count(":") == 1 or "]" in text else text
    host = host.rstrip(".")
    if not _HOST.fullmatch(host):
        raise ValueError("is not a valid host; write a name or address like proxy.example.com, without scheme and path")
    return host.lower()


def check_proxy_url(value: SecretStr) -> SecretStr:
    """The corporate proxy, credentials allowed, or the word `direct`."""
    text = value.get_secret_value()
    if text != "direct" and _split(text, begin="http://, or write direct").path not in {"", "/"}:
        raise ValueError("has a path; write http://host:port or direct")
    return value


def check_tunnel(value: SecretStr) -> SecretStr:
    """A corporate proxy over http://, because the connection in its tunnel has TLS of its own."""
    if check_proxy_url(value).get_secret_value().startswith("https:"):
        raise ValueError(
            "begins with https://; write http://host:port, because the tunnelled connection has TLS of its own"
        )
    return value


def port_of(parts: SplitResult) -> int:
    """Returns the port of an http or https URL, by default that of the scheme (RFC 9110 §4.2)."""
    return parts.port or (443 if parts.scheme == "https" else 80)


def is_cleartext(url: str) -> bool:
    """Whether requests to the URL cross a network unencrypted: http:// to another machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def without_grant(token_url: str) -> tuple[str, str | None]:
    """Returns the URL without `grant_type` and `token_format`, which the proxy sends itself, and the format in it.

    SAP's pages give the URL with `?grant_type=client_credentials`. Everything else stays as it is, byte for byte.
    """
    parts = urlsplit(token_url)
    params = [(param, unquote(param.partition("=")[0])) for param in parts.query.split("&") if param]
    kept = "&".join(param for param, name in params if name not in _GRANT)
    return urlunsplit(parts._replace(query=kept)), dict(parse_qsl(parts.query)).get("token_format")


def _split(text: str, *, begin: str = "https://") -> SplitResult:
    if not _VISIBLE.fullmatch(text) or "\\" in text:
        raise ValueError("is not a valid URL; percent-encode white space and anything that is not ASCII")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a valid URL; its host or port cannot be read") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"is not a valid URL; begin with {begin}")
    host = parts.netloc.rpartition("@")[2]
    if not _HOST.fullmatch(re.sub(r"\.*(?::[0-9]*)?$", "", host)) or port == 0:
        raise ValueError("is not a valid URL; its host or port cannot be read")
    return parts


TokenUrl = Annotated[str, AfterValidator(check_token_url)]
Upstream = Annotated[str, AfterValidator(check_upstream)]
PathPrefix = Annotated[str, AfterValidator(check_path), QUOTABLE]
Host = Annotated[str, AfterValidator(check_host), QUOTABLE]
ProxyUrl = Annotated[SecretStr, AfterValidator(check_proxy_url)]
TunnelUrl = Annotated[SecretStr, AfterValidator(check_tunnel)]
