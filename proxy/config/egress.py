"""Whether a request goes directly to its server or through a corporate proxy.

As with curl and Go, `HTTPS_PROXY` and `NO_PROXY` decide, in lower case first. `HTTP_PROXY` is never read (in CGI it is
the sender's own field, CVE-2016-5385). Requests to `http://`, usually to loopback, go through a proxy only if a route
names it.
"""

import base64
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from proxy.config.urls import port_of
from proxy.hosts import bracketed, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECT = "direct"
_EITHER = frozenset({"http", "https"})
_CLEAR = frozenset({"http"})
"Schemes of the environment's proxy, which messages pass too: the connection in its tunnel has TLS of its own."


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateProxy:
    """A proxy that tunnels with CONNECT (RFC 9110 §9.3.6)."""

    url: str
    "Without credentials."
    authorization: str | None = field(default=None, repr=False)
    "The value of Proxy-Authorization."

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, by default that of the scheme."""
        parts = urlsplit(self.url)
        return parts.hostname or "", port_of(parts)


def corporate_proxy(
    url: str, *, proxy_url: str | None, environ: "Mapping[str, str]", cleartext: bool = False
) -> CorporateProxy | None:
    """Returns the proxy for this URL; None for a direct connection; ValueError if the proxy's URL is not valid.

    With `cleartext` a proxy that `proxy_url` names is used for http:// too.
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
    """Raises ValueError if HTTPS_PROXY is not a valid proxy URL."""
    if text := environ.get("https_proxy") or environ.get("HTTPS_PROXY"):
        _parse(text, named_by="HTTPS_PROXY", schemes=_CLEAR)


def _parse(text: str, *, named_by: str, schemes: frozenset[str]) -> CorporateProxy:
    """Reads `proxy:3128` as http, as curl does; never shows the text, because it may contain a password."""
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
    """Matches `*`, a domain with its subdomains, an address or a network; all but the network also with a port."""
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
