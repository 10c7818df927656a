"""What a user may call a destination (a route's name, a sender's path, the tenant's URL), as a request line has it."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from proxy.config.model import RouteSettings
from proxy.config.urls import port_of
from proxy.errors import ProxyError
from proxy.forwarding.routes import Routes
from proxy.forwarding.target import parse_target

_VISIBLE = re.compile(r"[!\"$-~]+")


class Destination(NamedTuple):
    """Where a sender sends to."""

    host: str
    target: str
    "Path and query."
    route: RouteSettings | None
    "The route that is meant; with a path, which may be any, the one that takes it."


class Candidate(NamedTuple):
    """A route to be found."""

    prefix: bytes
    settings: RouteSettings


def destination(word: str, routes: Sequence[RouteSettings], method: str) -> Destination:
    """The sender's way to what the word names; ValueError lists what there is, or says which route is in the way."""
    if not _VISIBLE.fullmatch(word):
        raise ValueError(f"{word!r} is no destination; percent-encode white space, # and what is not ASCII.")
    if word.startswith("/"):
        return Destination("localhost", word, taken_by(method, word, "localhost", routes))
    if word.startswith(("http://", "https://")):
        meant, target = by_url(word, routes)
    else:
        meant, target = by_name(word, routes)
    host = meant.host or "localhost"
    taken = taken_by(method, target, host, routes)
    if taken is not None and taken is not meant:
        raise ValueError(f"{method} {target} is taken by route {taken.name}, not by {meant.name}.")
    return Destination(host, target, meant)


def by_name(word: str, routes: Sequence[RouteSettings]) -> tuple[RouteSettings, str]:
    """(route, its path); ValueError if there is none of this name."""
    for route in routes:
        if word == route.name:
            return route, route.path or "/"
    names = ", ".join(route.name for route in routes)
    raise ValueError(f"There is no route {word}; there is {names}. A path begins with /, a URL with https://.")


def by_url(word: str, routes: Sequence[RouteSettings]) -> tuple[RouteSettings, str]:
    """(the route whose upstream comes closest to the tenant's URL, the sender's path); ValueError if there is none."""
    try:
        there = urlsplit(word)
        _ = there.port
    except ValueError:
        raise ValueError("That is no URL: its host or port cannot be read.") from None
    fitting = [(route, rest) for route in routes if (rest := _below(there, urlsplit(route.upstream))) is not None]
    if not fitting:
        upstreams = ", ".join(sorted({route.upstream for route in routes}))
        plain = there._replace(netloc=there.netloc.rpartition("@")[2], query="").geturl()
        raise ValueError(f"No route leads to {plain}; upstreams are {upstreams}.")
    closest, rest = max(fitting, key=lambda pair: len(urlsplit(pair[0].upstream).path))
    target = closest.path + rest
    return closest, target if target.startswith("/") else f"/{target}"


def taken_by(method: str, target: str, host: str, routes: Sequence[RouteSettings]) -> RouteSettings | None:
    """The route that takes such a request; None where the proxy would refuse it."""
    known = Routes(Candidate(route.path.encode(), route) for route in routes)
    try:
        return known.match(method, parse_target(target.encode()), host.encode()).settings
    except ProxyError:
        return None


def _below(there: SplitResult, here: SplitResult) -> str | None:
    """What follows an upstream in a URL, query included; None if it leads elsewhere."""
    if (there.scheme, there.hostname, port_of(there)) != (here.scheme, here.hostname, port_of(here)):
        return None
    rest = there.path.removeprefix(here.path)
    if not there.path.startswith(here.path) or rest[:1] not in ("", "/"):
        return None
    return rest + (f"?{there.query}" if there.query else "")
