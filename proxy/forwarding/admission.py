"""What is refused before anything is read or fetched: the first refusal wins, each with a sentence that helps."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from proxy.config.choices import CrossSite
from proxy.errors import (
    ConnectRefused,
    CrossSiteRefused,
    ExpectationUnknown,
    MethodNotAllowed,
    RequestMalformed,
    RouteUnknown,
    SenderNotAllowed,
)
from proxy.forwarding.request import Request
from proxy.forwarding.routes import Route, Routes
from proxy.forwarding.target import host_of
from proxy.wire.cross_site import comes_from_elsewhere, host_name, is_address
from proxy.wire.grammar import RequestHead

Networks = tuple[IPv4Network | IPv6Network, ...]
_HOST: Final = re.compile(rb"[!$%&'()*+,;=\-._~0-9A-Za-z:\[\]]*")
"What a Host field may hold (RFC 9112 §3.2, RFC 3986 §3.2.2); anything else ends in somebody's log or field."
_FORWARDED = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"The usual ones of the methods that are forwarded."
_NEVER: Final = frozenset({"CONNECT", "TRACE", "TRACK"})
"TRACK is what TRACE is called by IIS."


def admit(request: Request, address: str, routes: Routes[Route], own_names: frozenset[str] = frozenset()) -> Route:
    """The route that takes the request of a sender at this address; a SenderError where none may."""
    route = find(request, routes, own_names)
    if route.allow is not None and not allowed(address, route.allow):
        raise SenderNotAllowed("The sender's address is not in the route's `allow`.")
    fields = request.head.fields
    if fields.has(b"origin") or fields.has(b"sec-fetch-site"):
        refuse_cross_site(request, route, own_names)
    if fields.has(b"expect"):
        refuse_expectation(request.head)
    return route


def find(request: Request, routes: Routes[Route], own_names: frozenset[str]) -> Route:
    """The route that its head asks for."""
    head = request.head
    if head.method.upper() in _NEVER or not request.target.path:
        refuse_form(head)
    host = head.fields.value(b"host")
    if not _HOST.fullmatch(host):
        raise RequestMalformed("The Host field names no host (RFC 9112 §3.2).")
    route = routes.match(head.method, request.target, host)
    if request.target.authority and route.settings.host is None:
        refuse_other_host(host_of(request.target.authority), request.sender.local, route, own_names)
    return route


def refuse_cross_site(request: Request, route: Route, own_names: frozenset[str]) -> None:
    """Raises for what a browser sends for a page of another site, or to a name that some site may have pointed here."""
    if route.settings.cross_site is CrossSite.ALLOW:
        return
    authority = request.target.authority or request.head.fields.value(b"host")
    if comes_from_elsewhere(request.head.fields.pairs(), authority, secure=request.sender.secure):
        raise CrossSiteRefused(
            "A browser sent this for a page of another site; set the route's `cross_site` to allow if that is meant."
        )
    name = host_name(authority)
    if not (is_address(name) or name in {"localhost", route.settings.host} or name in own_names):
        raise CrossSiteRefused(
            "A browser sent this to a name that is not known here; set the route's `host` to it if it is ours."
        )


def refuse_expectation(head: RequestHead) -> None:
    """Raises for an Expect that nobody here can meet; HTTP/1.0 has none (RFC 9110 §10.1.1)."""
    expectation = head.fields.value(b"expect")
    if expectation and head.minor and expectation.lower() != b"100-continue":
        raise ExpectationUnknown("Only `Expect: 100-continue` is understood (RFC 9110 §10.1.1).")


def refuse_other_host(name: str, local: str, route: Route, own_names: frozenset[str]) -> None:
    """Raises for an absolute-form target (RFC 9112 §3.2.2) that means neither us nor the route's upstream.

    A sender that takes us for an HTTP proxy would have its message for some other system delivered to this one.
    """
    ours = {str(plain(ip_address(local))) if local else "", route.pool.origin.host.lower(), *own_names}
    if is_loopback(local):
        ours.add("localhost")
    if name not in ours:
        raise RouteUnknown("The URL names another host; set the route's `host` to it if the message is meant for us.")


def is_loopback(address: str) -> bool:
    """Whether an address is one of this machine only; a Unix socket has none, and is."""
    return not address or plain(ip_address(address.partition("%")[0])).is_loopback


def refuse_form(head: RequestHead) -> None:
    """Raises for what is no request to a resource: CONNECT, TRACE, and targets that name none.

    Methods have a case (RFC 9110 §9.1), but who is behind us may read them without.
    """
    method = head.method.upper()
    if method == "CONNECT":
        raise ConnectRefused(
            "A tunnel cannot be given a token; send the request itself to this proxy, with an http:// URL."
        )
    if method in _NEVER:
        raise MethodNotAllowed(f"{method} would show the token; it is never forwarded.", allowed=_FORWARDED)
    if head.target == b"*":
        raise MethodNotAllowed("`*` names no integration flow; send the path of a route.")
    raise RequestMalformed("The request target is neither a path nor an http:// URL (RFC 9112 §3.2).")


def allowed(address: str, networks: Networks) -> bool:
    """Whether an address lies in one of the networks; IPv4 addresses in IPv6 clothing are taken as what they are."""
    if not address:  # a Unix socket: its file's permissions decide
        return True
    parsed = plain(ip_address(address.partition("%")[0]))
    return any(parsed in network for network in networks)


def plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address behind `::ffff:a.b.c.d`, else the address itself."""
    return getattr(address, "ipv4_mapped", None) or address
