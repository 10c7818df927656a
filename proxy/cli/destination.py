"""What a user may call a destination (a route's name, a sender's path, the tenant's URL), as a request line has it."""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from proxy.config.model import Route

_VISIBLE = re.compile(r"[!\"$-~]+")


class Destination(NamedTuple):
    """Where a sender sends to."""

    host: str
    target: str
    "Path and query."


def destination(word: str, routes: Iterable[Route]) -> Destination:
    """The sender's way to what the word names; ValueError lists what there is."""
    known = list(routes)
    if not _VISIBLE.fullmatch(word):
        raise ValueError(f"{word!r} is no destination; percent-encode white space, # and what is not ASCII.")
    for route in known:
        if word == route.name:
            return Destination(route.host or "localhost", route.path or "/")
    if word.startswith("/"):
        return Destination("localhost", word)
    if word.startswith(("http://", "https://")):
        if fitting := [route for route in known if _below(word, route.upstream) is not None]:
            closest = max(fitting, key=lambda route: len(urlsplit(route.upstream).path))
            rest = _below(word, closest.upstream) or ""
            target = closest.path + rest
            return Destination(closest.host or "localhost", target if target.startswith("/") else f"/{target}")
        upstreams = ", ".join(sorted({route.upstream for route in known}))
        raise ValueError(f"No route leads to {word}; upstreams are {upstreams}.")
    names = ", ".join(route.name for route in known)
    raise ValueError(f"There is no route {word}; there is {names}. A path begins with /, a URL with https://.")


def route_of(goal: Destination, routes: Iterable[Route]) -> Route | None:
    """The route that takes what is sent there."""
    path = goal.target.partition("?")[0]
    fitting = [
        route for route in routes if (path + "/").startswith(route.path + "/") and route.host in (None, goal.host)
    ]
    return max(fitting, key=lambda route: (len(route.path), route.host is not None), default=None)


def _below(url: str, upstream: str) -> str | None:
    """What follows the upstream's URL in this one, query included; None if it leads elsewhere."""
    there, here = urlsplit(url), urlsplit(upstream)
    if (there.scheme, there.hostname, _port(there.scheme, there.port)) != (
        here.scheme,
        here.hostname,
        _port(here.scheme, here.port),
    ):
        return None
    rest = there.path.removeprefix(here.path)
    if not there.path.startswith(here.path) or rest[:1] not in ("", "/"):
        return None
    return rest + (f"?{there.query}" if there.query else "")


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)
