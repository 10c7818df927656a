"""Finds the route of a request by host, method, and the longest path prefix that ends at a segment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from proxy.config.model import Cookies, Forwarded
from proxy.config.model import RouteSettings as Settings
from proxy.errors import MethodNotAllowed, RouteUnknown, TargetOutsideRoute
from proxy.forwarding.auth.authenticators import Authenticator
from proxy.forwarding.cookies import CookieRules
from proxy.forwarding.csrf.session import RouteCsrf
from proxy.forwarding.fields import FieldRules
from proxy.forwarding.limits.route_limits import RouteLimits
from proxy.forwarding.nearest_route import nearest_route
from proxy.forwarding.outbox import Outbox
from proxy.forwarding.path_readings import PathReading, climbs, readings
from proxy.forwarding.target import Target
from proxy.hosts import Networks
from proxy.oauth.source import TokenSource
from proxy.upstream.pool import Pool
from proxy.wire.request_target import host_name


@dataclass(slots=True, kw_only=True, eq=False)
class Route:
    """A route with all that its exchanges use. The composition root makes it, and nothing changes it.

    Settings that each message needs are attributes of their own, because reading them from `settings` is slower.
    """

    settings: Settings
    prefix: bytes
    "Without a trailing slash; empty for the root."
    upstream_path: bytes
    "Replaces the prefix; without a trailing slash."
    upstream_url: str
    "The URL that the prefix stands for; without a trailing slash."
    upstream_host: bytes
    "The value of the Host field."
    via: bytes
    "Our name in Via."
    set_lines: tuple[bytes, ...]
    secret_fields: frozenset[str]
    "Names, in lower case, of fields whose values the log never shows, whatever their names sound like."
    forwarded: Forwarded
    rules: FieldRules
    cookie_rules: CookieRules
    pool: Pool
    source: TokenSource
    authenticator: Authenticator | None = None
    "None accepts all senders."
    csrf: RouteCsrf = field(default_factory=RouteCsrf)
    limits: RouteLimits | None = None
    "None if the route has none but `max_body`."
    outbox: Outbox | None = None
    "Accepts messages that are delivered later; None if all are forwarded while their senders wait."
    via_lines: tuple[bytes, bytes] = field(init=False)
    "For a request in HTTP/1.0, and in HTTP/1.1 (RFC 9110 §7.6.3)."
    relays_cookies: bool = field(init=False)
    name: str = field(init=False)
    oauth_client: str = field(init=False)
    allow: Networks | None = field(init=False)
    buffer: int = field(init=False)
    spool: int = field(init=False)
    max_body: int = field(init=False)
    memory_limit: int = field(init=False)
    "The largest body in memory, in bytes."
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
        self.memory_limit = min(settings.buffer, settings.max_body)
        self.timeout = settings.timeout


def make_route(
    settings: Settings,
    *,
    via: str,
    pool: Pool,
    source: TokenSource,
    authenticator: Authenticator | None = None,
    limits: RouteLimits | None = None,
    outbox: Outbox | None = None,
    replaced: frozenset[str] = frozenset(),
) -> Route:
    """Returns a route with its rules. `replaced` are names, in lower case, of fields that a span of ours sets."""
    prefix, upstream = settings.path.encode(), urlsplit(settings.upstream)
    path, host = upstream.path.encode(), upstream.netloc.rpartition("@")[2]
    return Route(
        settings=settings,
        prefix=prefix,
        upstream_path=path,
        upstream_url=f"{upstream.scheme}://{host}{upstream.path}",
        upstream_host=host.encode(),
        via=via.encode(),
        set_lines=tuple(
            f"{name}: {value}".encode("latin-1")
            for name, value in settings.set_fields.items()
            if name.lower() not in replaced
        ),
        secret_fields=secret_fields(settings),
        forwarded=settings.forwarded,
        rules=FieldRules(
            drop=frozenset(name.lower().encode() for name in (*dropped_fields(settings), *replaced)),
            sap_fields=settings.forward_sap_fields,
        ),
        cookie_rules=CookieRules(
            prefix=f"cpi.{settings.name}~".encode(),  # no name holds a tilde, so no prefix begins another
            route_path=prefix or b"/",
            upstream_path=path or b"/",
        ),
        pool=pool,
        source=source,
        authenticator=authenticator,
        limits=limits,
        outbox=outbox,
    )


def dropped_fields(settings: Settings) -> tuple[str, ...]:
    """Returns the names of the sender's fields that are dropped: unwanted, replaced, or its credential."""
    auth = settings.inbound_auth
    credential = (auth.api_key.field,) if auth and auth.api_key else ()
    return (*settings.drop_fields, *settings.set_fields, *credential)


def secret_fields(settings: Settings) -> frozenset[str]:
    """Returns the names, in lower case, of fields that have a value of a variable, or a sender's key."""
    auth = settings.inbound_auth
    keys = {auth.api_key.field.lower()} if auth and auth.api_key else set()
    return frozenset(name.lower() for name in settings.secret_set_fields) | keys


class RouteCandidate(Protocol):
    """The part of a route that selects requests."""

    @property
    def prefix(self) -> bytes:
        """Without a trailing slash; empty for the root."""
        ...

    @property
    def settings(self) -> Settings:
        """Host and methods."""
        ...


RouteT = TypeVar("RouteT", bound=RouteCandidate)


class _Entry(Generic[RouteT]):
    """A route in the table."""

    def __init__(self, route: RouteT) -> None:
        self.route = route
        self.host = route.settings.host
        self.methods = route.settings.methods
        self.upper = None if self.methods is None else frozenset(each.upper() for each in self.methods)
        self.inner: dict[tuple[str, ...], list[_Entry[RouteT]]] = {}
        "Routes below this one, by the segments that their prefixes add to its own."
        self.depth = 0
        "The largest number of segments that one adds."

    def add_inner(self, added: tuple[str, ...], entries: "list[_Entry[RouteT]]") -> None:
        """Adds routes below this one."""
        self.inner.setdefault(added, []).extend(entries)
        self.depth = max(self.depth, len(added))

    def accepts(self, method: str, host: str) -> bool:
        """Whether it accepts a method, in upper case, for a host. The case of its own methods is ignored."""
        return (self.host is None or self.host == host) and (self.upper is None or method in self.upper)

    def may_be_inner(self, rest: bytes, method: str, host: str) -> bool:
        """Whether a lenient server may read the rest of the path as that of a route below this one."""
        if not self.inner:
            return False
        method = method.upper()
        return any(each.accepts(method, host) for reading in readings(rest) for each in self._inside(reading))

    def _inside(self, reading: PathReading) -> "Iterator[_Entry[RouteT]]":
        names = reading.names
        if reading.certain:
            for length in range(1, self.depth + 1):
                yield from self.inner.get(names[:length], ())
        else:
            for added, entries in self.inner.items():
                if _in_order(added, names):
                    yield from entries


class Routes(Generic[RouteT]):
    """All routes of a configuration. The longest prefix of a path wins."""

    def __init__(self, routes: Iterable[RouteT]) -> None:
        self._by_prefix: dict[bytes, list[_Entry[RouteT]]] = {}
        for route in routes:
            here = self._by_prefix.setdefault(route.prefix, [])
            here.append(_Entry(route))
            here.sort(key=lambda each: each.host is None)
        self._longest = max(map(len, self._by_prefix))
        self._nest()

    def __iter__(self) -> Iterator[RouteT]:
        return (entry.route for here in self._by_prefix.values() for entry in here)

    def match(self, method: str, target: Target, host: bytes) -> RouteT:
        """Returns the route of a request.

        Raises RouteUnknown, MethodNotAllowed, or TargetOutsideRoute if a server may read the path as another route's.
        """
        path = target.path.partition(b"?")[0]
        if b"#" in target.path:
            raise RouteUnknown("A request target has no fragment (RFC 9112 §3.2); remove `#` and the rest.")
        name = host_name(target.authority or host)
        allowed: set[str] = set()
        accepted_in_upper_case = False
        start = path
        if len(path) > self._longest:
            start = path[: max(path.rfind(b"/", 0, self._longest + 1), 0)]
        prefix: bytes | None = start
        while prefix is not None:
            for entry in self._by_prefix.get(prefix, ()):
                if entry.host is not None and entry.host != name:
                    continue
                if entry.methods is None or method in entry.methods:
                    if accepted_in_upper_case:
                        raise TargetOutsideRoute(
                            "Another route accepts this method in upper case; write the method in upper case."
                        )
                    refuse_other_readings(entry, path[len(prefix) :], method, name)
                    return entry.route
                allowed |= entry.methods
                accepted_in_upper_case = accepted_in_upper_case or entry.accepts(method.upper(), name)
            prefix = shorter(prefix)
        if allowed:
            raise MethodNotAllowed(
                f"The route accepts {', '.join(sorted(allowed))} only.", allowed=tuple(sorted(allowed))
            )
        raise RouteUnknown(
            "No route has this host and path; see `routes` in the configuration.",
            hint=partial(self._nearest, path, name),
        )

    def _nearest(self, path: bytes, host: str) -> str:
        return nearest_route([each.settings for each in self], path, host)

    def _nest(self) -> None:
        """Adds to each route those below it."""
        by_prefix: dict[bytes, list[_Entry[RouteT]]] = {}
        for prefix, entries in self._by_prefix.items():
            by_prefix.setdefault(prefix.lower(), []).extend(entries)
        for prefix, entries in self._by_prefix.items():
            for above in list(prefixes(prefix.lower()))[1:]:
                added = readings(prefix[len(above) :])[0].names
                for outer in by_prefix.get(above, ()):
                    outer.add_inner(added, entries)


def refuse_other_readings(entry: _Entry[RouteT], rest: bytes, method: str, host: str) -> None:
    """Raises TargetOutsideRoute if a server may read the path as out of the route, or as of one below it."""
    if climbs(rest):
        raise TargetOutsideRoute("The path leads out of its route; remove `..` in all its spellings.")
    if entry.may_be_inner(rest, method, host):
        raise TargetOutsideRoute("The path may be read as that of another route; spell it like the `path` of that one.")


def _in_order(wanted: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether the names contain the wanted ones in the same order."""
    rest = iter(names)
    return all(each in rest for each in wanted)


def prefixes(path: bytes) -> Iterator[bytes]:
    """Yields the path, then ever shorter prefixes that end before a slash, down to the empty one."""
    prefix: bytes | None = path
    while prefix is not None:
        yield prefix
        prefix = shorter(prefix)


def shorter(prefix: bytes) -> bytes | None:
    """Returns the next prefix that ends before a slash, or None after the empty one."""
    return prefix[: max(prefix.rfind(b"/"), 0)] if prefix else None
