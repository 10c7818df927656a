"""Which way a request leaves the house: directly, or through a corporate proxy.

Follows what curl and Go made the custom: `HTTPS_PROXY` and `NO_PROXY`, in lower case first. `HTTP_PROXY` is never read
(in CGI it is the sender's own field, CVE-2016-5385), and requests to `http://` go through a proxy only where a route
says so: they are towards loopback.
"""

import base64
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from proxy.config.urls import port_of
from proxy.syntax import bracketed, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECT = "direct"
_EITHER = frozenset({"http", "https"})
_CLEAR = frozenset({"http"})
"Of the environment's proxy, which messages pass too: in its tunnel they have TLS of their own."


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateProxy:
    """A proxy that tunnels with CONNECT (RFC 9110 §9.3.6)."""

    url: str
    "Without credentials."
    authorization: str | None = field(default=None, repr=False)
    "The value of Proxy-Authorization."

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; without one the scheme's."""
        parts = urlsplit(self.url)
        return parts.hostname or "", port_of(parts)


def corporate_proxy(
    url: str, *, proxy_url: str | None, environ: "Mapping[str, str]", cleartext: bool = False
) -> CorporateProxy | None:
    """Return the proxy for this URL, None for the direct way; ValueError if what names it is no proxy.

    `cleartext` lets a proxy that `proxy_url` names carry http:// too.
    """
    target = urlsplit(url)
    if proxy_url == DIRECT or (target.scheme != "https" and not (cleartext and proxy_url)):
        return None
    if proxy_url:
        return _parse(proxy_url, named_by="proxy_url", schemes=_EITHER)
    from_environment = environ.get("https_proxy") or environ.get("HTTPS_PROXY")
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if not from_environment or _is_excepted(target, exceptions):
        return None
    return _parse(from_environment, named_by="HTTPS_PROXY", schemes=_CLEAR)


def check_environment(environ: "Mapping[str, str]") -> None:
    """ValueError if HTTPS_PROXY names no proxy."""
    if text := environ.get("https_proxy") or environ.get("HTTPS_PROXY"):
        _parse(text, named_by="HTTPS_PROXY", schemes=_CLEAR)


def _parse(text: str, *, named_by: str, schemes: frozenset[str]) -> CorporateProxy:
    """Take `proxy:3128` for http, as curl does; the text is not echoed, for it may hold a password."""
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        host, port = (url.hostname or "").rstrip("."), url.port
    except ValueError:
        raise ValueError(f"{named_by} must be like http://proxy.example:3128") from None
    if url.scheme not in schemes or not host:
        raise ValueError(f"{named_by} must be like http://proxy.example:3128")
    authorization = None
    if url.username is not None:
        credentials = f"{unquote(url.username)}:{unquote(url.password or '')}"
        authorization = "Basic " + base64.b64encode(credentials.encode()).decode("ascii")
    end = "" if port is None else f":{port}"
    return CorporateProxy(url=f"{url.scheme}://{bracketed(host)}{end}", authorization=authorization)


def _is_excepted(target: SplitResult, exceptions: str) -> bool:
    """Whether NO_PROXY or loopback keeps this target from the environment's proxy."""
    host = (target.hostname or "").rstrip(".")
    if is_loopback(host):
        return True
    rules = (rule.strip().lower() for rule in exceptions.split(","))
    return any(_matches(rule, host, _address(host), target.port or 443) for rule in rules if rule)


def _matches(rule: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    """Match `*`, a domain with all below it, an address, a network, each but the network also with a port."""
    if rule == "*":
        return True
    name, colon, wanted_port = rule.rpartition(":")
    if colon and wanted_port.isdigit() and (":" not in name or name.endswith("]")):
        if int(wanted_port) != port:
            return False
        rule = name
    if address is not None:
        try:
            return address in ip_network(rule.strip("[]"), strict=False)
        except ValueError:
            return False
    domain = rule.removeprefix("*").strip(".")
    return host == domain or host.endswith("." + domain)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
