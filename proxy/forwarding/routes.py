"""Which route takes a request: host, method, and the longest path prefix on a segment border."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, Protocol, TypeVar

from proxy.config.model import Cookies, Forwarded
from proxy.config.model import RouteSettings as Settings
from proxy.errors import MethodNotAllowed, RouteUnknown, TargetOutsideRoute
from proxy.forwarding.auth.authenticators import Authenticator
from proxy.forwarding.cookies import CookieRules
from proxy.forwarding.csrf.session import CsrfSession
from proxy.forwarding.fields import FieldRules
from proxy.forwarding.limits.route_limits import RouteLimits
from proxy.forwarding.normalization import Reading, climbs, readings
from proxy.forwarding.target import Target, host_of
from proxy.oauth.source import TokenSource
from proxy.upstream.pool import Pool


@dataclass(slots=True, kw_only=True, eq=False)
class Route:
    """A route with everything that its exchanges use; made by the composition root, and not changed afterwards.

    What is looked at for each message is an attribute of its own, because looking into `settings` costs more.
    """

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
    rules: FieldRules
    cookie_rules: CookieRules
    pool: Pool
    source: TokenSource
    gate: Authenticator | None = None
    "Who is let in; None for all."
    csrf: CsrfSession = field(default_factory=CsrfSession)
    bounds: RouteLimits | None = None
    "None where the route asks nothing further of its messages."
    via_lines: tuple[bytes, bytes] = field(init=False)
    "For a request in HTTP/1.0, and in HTTP/1.1 (RFC 9110 §7.6.3)."
    relays_cookies: bool = field(init=False)
    name: str = field(init=False)
    oauth_client: str = field(init=False)
    allow: tuple[IPv4Network | IPv6Network, ...] | None = field(init=False)
    buffer: int = field(init=False)
    spool: int = field(init=False)
    max_body: int = field(init=False)
    keeps: int = field(init=False)
    "Octets of a body that are held in memory at most."
    timeout: float = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.via_lines = (b"Via: 1.0 " + self.via, b"Via: 1.1 " + self.via)
        self.relays_cookies = settings.cookies is Cookies.PREFIXED
        self.name = settings.name
        self.oauth_client = settings.oauth_client
        self.allow = settings.allow
        self.buffer = settings.buffer
        self.spool = settings.spool
        self.max_body = settings.max_body
        self.keeps = min(settings.buffer, settings.max_body)
        self.timeout = settings.timeout


class RouteCandidate(Protocol):
    """What a route is found by."""

    @property
    def prefix(self) -> bytes:
        """Without a trailing slash; empty for the root."""
        ...

    @property
    def settings(self) -> Settings:
        """Host and methods."""
        ...


Found = TypeVar("Found", bound=RouteCandidate)


class _Entry(Generic[Found]):
    """A route in the table, with what decides about it."""

    def __init__(self, route: Found) -> None:
        self.route = route
        self.host = route.settings.host
        self.methods = route.settings.methods
        self.upper = None if self.methods is None else frozenset(each.upper() for each in self.methods)
        self.inner: dict[tuple[str, ...], list[_Entry[Found]]] = {}
        "Routes below this one, by the names that their prefixes add to its own."
        self.depth = 0
        "Of the innermost."

    def hold(self, added: tuple[str, ...], entries: "list[_Entry[Found]]") -> None:
        """These lie below it."""
        self.inner.setdefault(added, []).extend(entries)
        self.depth = max(self.depth, len(added))

    def takes(self, method: str, host: str) -> bool:
        """Whether it takes requests to the host, of a method in upper case, in whatever case it stands there."""
        return (self.host is None or self.host == host) and (self.upper is None or method in self.upper)

    def leads_inside(self, rest: bytes, method: str, host: str) -> bool:
        """Whether a less strict server may read what follows the prefix as the path of a route below this one."""
        if not self.inner:
            return False
        method = method.upper()
        return any(each.takes(method, host) for reading in readings(rest) for each in self._inside(reading))

    def _inside(self, reading: Reading) -> "Iterator[_Entry[Found]]":
        names = reading.names
        if reading.certain:
            for length in range(1, self.depth + 1):
                yield from self.inner.get(names[:length], ())
        else:
            for added, entries in self.inner.items():
                if _in_order(added, names):
                    yield from entries


class Routes(Generic[Found]):
    """All routes of a configuration, found by the prefixes of a path, longest first."""

    def __init__(self, routes: Iterable[Found]) -> None:
        self._by_prefix: dict[bytes, list[_Entry[Found]]] = {}
        for route in routes:
            here = self._by_prefix.setdefault(route.prefix, [])
            here.append(_Entry(route))
            here.sort(key=lambda each: each.host is None)
        self._longest = max(map(len, self._by_prefix))
        self._nest()

    def __iter__(self) -> Iterator[Found]:
        return (entry.route for here in self._by_prefix.values() for entry in here)

    def match(self, method: str, target: Target, host: bytes) -> Found:
        """The route; RouteUnknown, MethodNotAllowed, or TargetOutsideRoute if others may read it as another's."""
        path = target.path.partition(b"?")[0]
        if b"#" in target.path:
            raise RouteUnknown("A request target has no fragment (RFC 9112 §3.2); leave out `#` and what follows.")
        name = host_of(target.authority or host)
        allowed: set[str] = set()
        taken_in_upper_case = False
        start = path
        if len(path) > self._longest:
            start = path[: max(path.rfind(b"/", 0, self._longest + 1), 0)]
        prefix: bytes | None = start
        while prefix is not None:
            for entry in self._by_prefix.get(prefix, ()):
                if entry.host is not None and entry.host != name:
                    continue
                if entry.methods is None or method in entry.methods:
                    if taken_in_upper_case:
                        raise TargetOutsideRoute("Another route takes this method in upper case; write it so.")
                    refuse_other_readings(entry, path[len(prefix) :], method, name)
                    return entry.route
                allowed |= entry.methods
                taken_in_upper_case = taken_in_upper_case or entry.takes(method.upper(), name)
            prefix = shorter(prefix)
        if allowed:
            raise MethodNotAllowed(
                f"The route takes {', '.join(sorted(allowed))} only.", allowed=tuple(sorted(allowed))
            )
        raise RouteUnknown("No route takes this host and path; see `routes` in the configuration.")

    def _nest(self) -> None:
        """Tells each route which others lie below it."""
        by_prefix: dict[bytes, list[_Entry[Found]]] = {}
        for prefix, entries in self._by_prefix.items():
            by_prefix.setdefault(prefix.lower(), []).extend(entries)
        for prefix, entries in self._by_prefix.items():
            for above in list(prefixes(prefix.lower()))[1:]:
                added = readings(prefix[len(above) :])[0].names
                for outer in by_prefix.get(above, ()):
                    outer.hold(added, entries)


def refuse_other_readings(entry: _Entry[Found], rest: bytes, method: str, host: str) -> None:
    """TargetOutsideRoute if what follows the prefix may be read as leading out of the route, or into one below it."""
    if climbs(rest):
        raise TargetOutsideRoute("The path leads out of its route; leave out `..` and its disguises.")
    if entry.leads_inside(rest, method, host):
        raise TargetOutsideRoute("The path may be read as that of another route; write it as `path` of that one is.")


def _in_order(wanted: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether the names are among the others, in this order."""
    rest = iter(names)
    return all(each in rest for each in wanted)


def prefixes(path: bytes) -> Iterator[bytes]:
    """The path, then shorter and shorter prefixes that end before a slash, down to the empty one."""
    prefix: bytes | None = path
    while prefix is not None:
        yield prefix
        prefix = shorter(prefix)


def shorter(prefix: bytes) -> bytes | None:
    """The next prefix that ends before a slash; None behind the empty one."""
    return prefix[: max(prefix.rfind(b"/"), 0)] if prefix else None
