"""What one configuration makes: token sources, pools, authenticators and routes, and the context of their exchanges.

The next generation takes over from it whatever its own configuration leaves as it is, with what that has in memory:
tokens, CSRF tokens, connections, passwords that were right, places that are taken.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from urllib.parse import SplitResult, urlsplit

from proxy.app.certificates import certificates
from proxy.app.process_resources import ProcessResources
from proxy.config.egress import corporate_proxy
from proxy.config.file_watcher import Stamp, stamp_of
from proxy.config.model import Configuration, OAuthClient, Tls
from proxy.config.model import RouteSettings as Settings
from proxy.config.urls import port_of
from proxy.forwarding.auth.authenticators import AuthenticatorKey, WatchedAuthenticator
from proxy.forwarding.context import ExchangeContext
from proxy.forwarding.limits.route_limits import RouteLimits, limits_of
from proxy.forwarding.routes import Route, Routes, make_route
from proxy.oauth.credential_watcher import CredentialWatcher
from proxy.oauth.expiry import CredentialExpiry
from proxy.oauth.grant_runner import GrantRunner
from proxy.oauth.granter import Granter
from proxy.oauth.source import TokenSource
from proxy.observe.spans import REPLACED
from proxy.upstream.pool import Pool, UpstreamOrigin
from proxy.upstream.tls import client_context

Closable = TokenSource | Pool | RouteLimits


class InUse:
    """What the exchanges of one configuration wait for; lives for as long as its generation, or one of them."""

    def __init__(self, parts: Iterable[Closable]) -> None:
        self.parts = frozenset(parts)


@dataclass(frozen=True, slots=True)
class WatchedClient:
    """The token source of one OAuth client, and the watcher of its files."""

    source: TokenSource
    watcher: CredentialWatcher


class Generation:
    """Reads files when made, so not within the event loop; OSError or ValueError if one cannot be used."""

    def __init__(
        self, configuration: Configuration, resources: ProcessResources, *, before: "Generation | None" = None
    ) -> None:
        self.configuration = configuration
        self._resources = resources
        self._before = before
        self._takings: list[Callable[[], None]] = []
        self._added: dict[AuthenticatorKey, WatchedAuthenticator] = {}
        self.registrations = {name: self._registration(name) for name in configuration.oauth_clients}
        self.sources = {name: each.source for name, each in self.registrations.items()}
        self.trusts: dict[tuple[Tls, Stamp], SSLContext] = {}
        self.pools: dict[tuple[UpstreamOrigin, float], Pool] = {}
        self.routes = {settings.name: self._route(settings) for settings in configuration.routes}
        self.expiry = CredentialExpiry(certificates(configuration), clock=resources.clock, log=resources.log.logger)
        limits = (route.limits for route in self.routes.values() if route.limits is not None)
        self.holdings = InUse([*limits, *self.sources.values(), *self.pools.values()])
        self.context = ExchangeContext(
            routes=Routes(self.routes.values()),
            name=configuration.via.encode(),
            own_names=resources.own_names,
            trusted_proxies=configuration.trusted_proxies,
            spool=resources.spool if any(route.spool for route in configuration.routes) else None,
            wall=resources.clock.wall,
            closing=resources.close_account,
            holdings=self.holdings,
            traces=resources.traces,
        )
        self._before = None

    def take_over(self) -> None:
        """What was taken over goes on with the options of this configuration, beside what is new. Cannot fail."""
        self._resources.authenticators.adopt(self._added)
        for take in self._takings:
            take()

    def start(self) -> None:
        """Follows files."""
        for each in self.registrations.values():
            each.watcher.start(partial(self._renew, each.source))
        self.expiry.start()

    @property
    def authenticator_keys(self) -> set[AuthenticatorKey]:
        """Returns the keys of the authenticators that its routes use."""
        return {(each.name, each.inbound_auth) for each in self.configuration.routes if each.inbound_auth}

    async def close(self, heir: "Generation | None" = None) -> None:
        """Follows no more files; those that the heir goes on with are its own."""
        kept = {each.watcher for each in heir.registrations.values()} if heir else set()
        for each in self.registrations.values():
            if each.watcher not in kept:
                await each.watcher.close()
        await self.expiry.close()

    def retire(self, heir: "Generation") -> None:
        """Keeps no connections but those that the heir has taken over; exchanges may be using the others still."""
        for pool in set(self.pools.values()) - set(heir.pools.values()):
            pool.retire()

    def _registration(self, name: str) -> WatchedClient:
        """A source of the same OAuth client at the same server is taken over, with its token."""
        resources = self._resources
        watcher = CredentialWatcher(self.configuration.oauth_clients[name], log=resources.log.logger)
        client = watcher.client
        known = self._before.registrations.get(name) if self._before else None
        if known is not None:
            present = known.source.client
            if client == present:
                return known
            if (client.client_id, client.token_url) == (present.client_id, present.token_url):
                self._takings.append(partial(known.source.apply, client, granter(client, resources)))
                return WatchedClient(known.source, watcher)
        source = TokenSource(
            client,
            granter(client, resources),
            clock=resources.clock,
            log=resources.log.logger,
            on_request=partial(resources.metrics.count_grant, name),
        )
        return WatchedClient(source, watcher)

    def _renew(self, source: TokenSource, client: OAuthClient) -> None:
        source.apply(client, granter(client, self._resources))

    def _route(self, settings: Settings) -> Route:
        """The one that was there is taken over if nothing about it is new."""
        resources, auth = self._resources, settings.inbound_auth
        upstream = urlsplit(settings.upstream)
        pool = self._pool(settings, upstream)
        source, via = self.sources[settings.oauth_client], self.configuration.via.encode()
        authenticator = None
        if auth is not None:
            authenticator = resources.authenticators.authenticator(settings.name, auth, self._added)
        known = self._before.routes.get(settings.name) if self._before else None
        if known and (known.settings, known.pool, known.source, known.via) == (settings, pool, source, via):
            return known
        return make_route(
            settings,
            via=self.configuration.via,
            pool=pool,
            source=source,
            authenticator=authenticator,
            limits=limits_of(settings, resources.deadlines),
            replaced=REPLACED if resources.traces is not None else frozenset(),
        )

    def _pool(self, settings: Settings, upstream: SplitResult) -> Pool:
        """The pool of the route's upstream; routes to the same one share it, also with the generation before."""
        secure = upstream.scheme == "https"
        host, port = upstream.hostname or "", port_of(upstream)
        named = settings.proxy_url.get_secret_value() if settings.proxy_url else None
        through = corporate_proxy(settings.upstream, proxy_url=named, environ=self._resources.environ, cleartext=True)
        tls = settings.tls if secure else None
        origin = UpstreamOrigin(host=host, port=port, tls=self._trust(tls) if tls else None, proxy=through)
        key = (origin, self.configuration.upstream_idle_timeout)
        if key not in self.pools:
            known = self._before.pools.get(key) if self._before else None
            resources = self._resources
            self.pools[key] = known or Pool(
                origin,
                resources.deadlines,
                reader=resources.response_reader,
                idle_timeout=key[1],
                resolver=resources.resolver,
            )
        return self.pools[key]

    def _trust(self, tls: Tls) -> SSLContext:
        """One for each content of the files, also with the generation before: a context takes a megabyte."""
        key = (tls, stamp_of(each for each in (tls.ca_file, tls.cert_file, tls.key_file) if each))
        if key not in self.trusts:
            known = self._before.trusts.get(key) if self._before else None
            self.trusts[key] = known or client_context(tls)
        return self.trusts[key]


def granter(client: OAuthClient, resources: ProcessResources) -> Granter:
    """Returns what asks the client's token endpoint; ValueError if one of its credentials or options is not usable."""
    return GrantRunner(client, resources.grant_session.endpoint(client), clock=resources.clock)


def refuse_restart(present: Configuration, wanted: Configuration) -> None:
    """ValueError for what only a restart can change."""
    if wanted.reuse_port != present.reuse_port:
        raise ValueError("`reuse_port` belongs to sockets that are bound already: restart for it, or leave it was")
