"""Refuses requests before their body is read and a token is requested. The first refusal wins."""

import re
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
from proxy.hosts import in_networks, is_ip, is_loopback, parse_ip
from proxy.wire.cross_site import comes_from_elsewhere
from proxy.wire.grammar import RequestHead
from proxy.wire.request_target import host_name

_HOST: Final = re.compile(rb"[!$%&'()*+,;=\-._~0-9A-Za-z:\[\]]*")
"What a Host field may hold (RFC 9112 §3.2, RFC 3986 §3.2.2); anything else would reach logs and other fields."
_FORWARDED = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"The usual ones of the methods that are forwarded."
_NEVER: Final = frozenset({"CONNECT", "TRACE", "TRACK"})
"TRACK is IIS's name for TRACE."


def admit(request: Request, address: str, routes: Routes[Route], own_names: frozenset[str] = frozenset()) -> Route:
    """Returns the route of a request from a sender at this address. Raises a SenderError if there is none."""
    route = find(request, routes, own_names)
    if route.allow is not None and not in_networks(address, route.allow):
        raise SenderNotAllowed("The sender's address is not in the route's `allow`.")
    fields = request.head.fields
    if fields.has(b"origin") or fields.has(b"sec-fetch-site"):
        refuse_cross_site(request, route, own_names)
    if fields.has(b"expect"):
        refuse_expectation(request.head)
    return route


def find(request: Request, routes: Routes[Route], own_names: frozenset[str]) -> Route:
    """Returns the route that the head selects."""
    head = request.head
    if head.method.upper() in _NEVER or not request.target.path:
        refuse_form(head)
    host = head.fields.value(b"host")
    if not _HOST.fullmatch(host):
        raise RequestMalformed("The Host field is not a valid host (RFC 9112 §3.2).")
    route = routes.match(head.method, request.target, host)
    if request.target.authority and route.settings.host is None:
        refuse_other_host(host_name(request.target.authority), request.sender.local, route, own_names)
    return route


def refuse_cross_site(request: Request, route: Route, own_names: frozenset[str]) -> None:
    """Raises if a browser sent the request for a page of another site, or to a host name that is not ours.

    Any site can point a host name of its own to this proxy (DNS rebinding).
    """
    if route.settings.cross_site is CrossSite.ALLOW:
        return
    authority = request.target.authority or request.head.fields.value(b"host")
    if comes_from_elsewhere(request.head.fields.pairs(), authority, secure=request.sender.secure):
        raise CrossSiteRefused(
            "A browser sent this for a page of another site; to allow that, set the route's `cross_site` to allow."
        )
    name = host_name(authority)
    if not (is_ip(name) or name in {"localhost", route.settings.host} or name in own_names):
        raise CrossSiteRefused(
            "A browser sent this to an unknown host name; if it is this proxy's, set the route's `host` to it."
        )


def refuse_expectation(head: RequestHead) -> None:
    """Raises for an Expect other than 100-continue. HTTP/1.0 ignores the field (RFC 9110 §10.1.1)."""
    expectation = head.fields.value(b"expect")
    if expectation and head.minor and expectation.lower() != b"100-continue":
        raise ExpectationUnknown("Only `Expect: 100-continue` is supported (RFC 9110 §10.1.1).")


def refuse_other_host(name: str, local: str, route: Route, own_names: frozenset[str]) -> None:
    """Raises for an absolute-form target (RFC 9112 §3.2.2) that names neither us nor the route's upstream.

    A sender that uses us as an HTTP proxy means another system, and its message would be delivered to this one.
    """
    ours = {str(parse_ip(local)) if local else "", route.pool.origin.host.lower(), *own_names}
    if not local or is_loopback(local):
        ours.add("localhost")
    if name not in ours:
        raise RouteUnknown(
            "The URL names another host; if the message is for this proxy, set the route's `host` to it."
        )


def refuse_form(head: RequestHead) -> None:
    """Raises for CONNECT, TRACE, and targets that are not a resource.

    Methods are case-sensitive (RFC 9110 §9.1), but the upstream may ignore their case.
    """
    method = head.method.upper()
    if method == "CONNECT":
        raise ConnectRefused(
            "A tunnel cannot carry our token; send the request itself to this proxy, with an http:// URL."
        )
    if method in _NEVER:
        raise MethodNotAllowed(
            f"{method} is never forwarded, because its answer would show the token.", allowed=_FORWARDED
        )
    if head.target == b"*":
        raise MethodNotAllowed("`*` is not the path of an integration flow; use the path of a route.")
    raise RequestMalformed("The request target is neither a path nor an http:// URL (RFC 9112 §3.2).")
