"""Resolves a destination (a route's name, a sender's path, a URL of the proxy or the tenant) to host and target."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from proxy.config.model import Address, ListenerSettings, RouteSettings
from proxy.config.urls import port_of
from proxy.errors import ProxyError
from proxy.forwarding.routes import Routes
from proxy.forwarding.target import parse_target
from proxy.hosts import is_ip, is_loopback

_VISIBLE = re.compile(r"[!\"$-~]+")


class Destination(NamedTuple):
    """Where a sender sends a message."""

    host: str
    target: str
    "Path and query."
    route: RouteSettings | None
    "The route that was named; for a path, the route that matches it, if any."


class Candidate(NamedTuple):
    """A route as the router sees it."""

    prefix: bytes
    settings: RouteSettings


def destination(
    word: str, routes: Sequence[RouteSettings], method: str, listeners: Sequence[ListenerSettings] = ()
) -> Destination:
    """Returns how a sender reaches the route; ValueError lists the routes, or names the one that matches instead."""
    if not _VISIBLE.fullmatch(word):
        raise ValueError(f"{word!r} is not a valid destination; percent-encode spaces, # and characters outside ASCII.")
    if word.startswith("/"):
        return Destination("localhost", word, matching(method, word, "localhost", routes))
    if word.lower().startswith(("http://", "https://")):
        there = parsed(word)
        if is_own(there, listeners, routes):
            host, target = there.netloc.rpartition("@")[2], (there.path or "/") + query_of(there)
            return Destination(host, target, matching(method, target, host, routes))
        meant, target = by_url(there, routes)
    else:
        meant, target = by_name(word, routes)
    host = meant.host or "localhost"
    matched = matching(method, target, host, routes)
    if matched is not None and matched is not meant:
        raise ValueError(f"{method} {target} goes to route {matched.name}, not to {meant.name}.")
    return Destination(host, target, meant)


def by_name(word: str, routes: Sequence[RouteSettings]) -> tuple[RouteSettings, str]:
    """(route, its path); ValueError if no route has this name."""
    for route in routes:
        if word == route.name:
            return route, route.path or "/"
    names = ", ".join(route.name for route in routes)
    raise ValueError(f"There is no route {word}; the routes are {names}. A path begins with /, a URL with https://.")


def parsed(word: str) -> SplitResult:
    """Returns the parts of a URL; ValueError if it is not valid."""
    try:
        there = urlsplit(word)
        _ = there.port
    except ValueError:
        raise ValueError("That is not a valid URL: its host or port cannot be read.") from None
    return there


def is_own(there: SplitResult, listeners: Sequence[ListenerSettings], routes: Sequence[RouteSettings]) -> bool:
    """Whether a sender on this machine, or one that knows a route's host, reaches a listener by the URL."""
    host, hosts = there.hostname or "", {route.host for route in routes}
    ports = {each.address.port for each in listeners if reaches(host, each.address) or host in hosts}
    return port_of(there) in ports - {0}


def reaches(host: str, address: Address) -> bool:
    """Whether the host is the listener's. One on all addresses has every IP address and every name without a dot."""
    if address.host in ("0.0.0.0", "::"):
        return is_ip(host) or "." not in host
    return host == address.host.lower() or (is_loopback(host) and address.path is None and address.loopback)


def by_url(there: SplitResult, routes: Sequence[RouteSettings]) -> tuple[RouteSettings, str]:
    """(the route with the longest upstream that begins the URL, the sender's path); ValueError if there is none."""
    fitting = [(route, rest) for route in routes if (rest := _below(there, urlsplit(route.upstream))) is not None]
    if not fitting:
        upstreams = ", ".join(sorted({route.upstream for route in routes}))
        plain = there._replace(netloc=there.netloc.rpartition("@")[2], query="").geturl()
        raise ValueError(f"No route leads to {plain}; the upstreams are {upstreams}.")
    closest, rest = max(fitting, key=lambda pair: len(urlsplit(pair[0].upstream).path))
    target = closest.path + rest
    return closest, target if target.startswith("/") else f"/{target}"


def matching(method: str, target: str, host: str, routes: Sequence[RouteSettings]) -> RouteSettings | None:
    """The route that such a request matches; None if the proxy would refuse it."""
    known = Routes(Candidate(route.path.encode(), route) for route in routes)
    try:
        return known.match(method, parse_target(target.encode()), host.encode()).settings
    except ProxyError:
        return None


def _below(there: SplitResult, here: SplitResult) -> str | None:
    """What follows the upstream in a URL, query included; None if the URL does not begin with the upstream."""
    if (there.scheme, there.hostname, port_of(there)) != (here.scheme, here.hostname, port_of(here)):
        return None
    rest = there.path.removeprefix(here.path)
    if not there.path.startswith(here.path) or rest[:1] not in ("", "/"):
        return None
    return rest + query_of(there)


def query_of(there: SplitResult) -> str:
    """Returns the query with its question mark, or nothing."""
    return f"?{there.query}" if there.query else ""
