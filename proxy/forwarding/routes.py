"""Which route takes a request: host, method, and the longest path prefix on a segment border."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from proxy.config.model import Forwarded
from proxy.config.model import Route as Settings
from proxy.errors import MethodNotAllowed, RouteUnknown, TargetOutsideRoute
from proxy.forwarding.bounds import Bounds
from proxy.forwarding.cookies import CookieRules
from proxy.forwarding.csrf import CsrfSession
from proxy.forwarding.fields import RequestRules
from proxy.forwarding.gates import Gate
from proxy.forwarding.target import Target, climbs, host_of
from proxy.oauth.source import TokenSource
from proxy.upstream.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route:
    """A route with everything that its exchanges use; made by the composition root."""

    settings: Settings
    prefix: bytes
    "Without a trailing slash; empty for the root."
    upstream_path: bytes
    "What the prefix stands for; without a trailing slash."
    upstream_host: bytes
    "The value of the Host field."
    via: bytes
    "Our name in Via."
    set_lines: tuple[bytes, ...]
    forwarded: Forwarded
    request_rules: RequestRules
    cookie_rules: CookieRules
    pool: Pool
    source: TokenSource
    gate: Gate | None = None
    "Who is let in; None for all."
    csrf: CsrfSession = field(default_factory=CsrfSession)
    bounds: Bounds | None = None
    "None where the route asks nothing further of its messages."


class Candidate(Protocol):
    """What a route is found by."""

    @property
    def prefix(self) -> bytes:
        """Without a trailing slash; empty for the root."""
        ...

    @property
    def settings(self) -> Settings:
        """Host and methods."""
        ...


Found = TypeVar("Found", bound=Candidate)


class Routes(Generic[Found]):
    """All routes of a configuration, found by the prefixes of a path, longest first."""

    def __init__(self, routes: Iterable[Found]) -> None:
        self._by_prefix: dict[bytes, list[Found]] = {}
        for route in routes:
            here = self._by_prefix.setdefault(route.prefix, [])
            here.append(route)
            here.sort(key=lambda each: each.settings.host is None)
        self._longest = max(map(len, self._by_prefix))

    def __iter__(self) -> Iterator[Found]:
        return (route for here in self._by_prefix.values() for route in here)

    def match(self, method: str, target: Target, host: bytes) -> Found:
        """The route; RouteUnknown, MethodNotAllowed, or TargetOutsideRoute if the path climbs out of it."""
        path = target.path.partition(b"?")[0]
        if b"#" in target.path:
            raise RouteUnknown("A request target has no fragment (RFC 9112 §3.2); leave out `#` and what follows.")
        name = host_of(target.authority or host)
        allowed: set[str] = set()
        if len(path) > self._longest:
            path = path[: max(path.rfind(b"/", 0, self._longest + 1), 0)]
        for prefix in prefixes(path):
            for route in self._by_prefix.get(prefix, ()):
                settings = route.settings
                if settings.host is not None and settings.host != name:
                    continue
                if settings.methods is None or method in settings.methods:
                    if climbs(target.path[len(prefix) :]):
                        raise TargetOutsideRoute("The path leads out of its route; leave out `..` and its disguises.")
                    return route
                allowed |= settings.methods
        if allowed:
            raise MethodNotAllowed(
                f"The route takes {', '.join(sorted(allowed))} only.", allowed=tuple(sorted(allowed))
            )
        raise RouteUnknown("No route takes this host and path; see `routes` in the configuration.")


def prefixes(path: bytes) -> Iterator[bytes]:
    """The path, then shorter and shorter prefixes that end before a slash, down to the empty one."""
    while path:
        yield path
        path = path[: path.rfind(b"/")] if b"/" in path else b""
    yield b""
