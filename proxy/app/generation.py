"""What one configuration makes: token sources, pools, authenticators and routes, and the context of their exchanges.

The next generation takes over whatever its configuration leaves unchanged, with its state: tokens, CSRF tokens,
connections, cached passwords, and the places that exchanges occupy.
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
from proxy.oauth.certificate_expiry import CredentialExpiry
from proxy.oauth.credential_watcher import CredentialWatcher
from proxy.oauth.grant_runner import GrantRunner
from proxy.oauth.granter import Granter
from proxy.oauth.source import TokenSource
from proxy.observe.spans import REPLACED
from proxy.outbox.acceptance import Acceptance
from proxy.upstream.origin import UpstreamOrigin
from proxy.upstream.pool import Pool
from proxy.wire.tls_context import client_context

Closable = TokenSource | Pool | RouteLimits


class InUse:
    """What exchanges of one configuration can wait for.

    The exchanges' context refers to it, and the app refers to it weakly: it is gone when neither an exchange nor a
    connection can use the configuration any more. A count would also have to follow connections whose listener is gone,
    because they may still bring one request.
    """

    def __init__(self, parts: Iterable[Closable]) -> None:
        self.parts = frozenset(parts)


@dataclass(frozen=True, slots=True)
class WatchedClient:
    """An OAuth client's token source, and the watcher of its secret files."""

    source: TokenSource
    watcher: CredentialWatcher


class Generation:
    """What one configuration makes. The constructor reads files: OSError or ValueError if one is not usable."""

    def __init__(
        self, configuration: Configuration, resources: ProcessResources, *, before: "Generation | None" = None
    ) -> None:
        self.configuration = configuration
        self._resources = resources
        self._before = before
        self._changes: list[Callable[[], None]] = []
        self._added: dict[AuthenticatorKey, WatchedAuthenticator] = {}
        self.clients = {name: self._client(name) for name in configuration.oauth_clients}
        self.sources = {name: each.source for name, each in self.clients.items()}
        self.tls_contexts: dict[tuple[Tls, Stamp], SSLContext] = {}
        self.pools: dict[tuple[UpstreamOrigin, float], Pool] = {}
        self.routes = {settings.name: self._route(settings) for settings in configuration.routes}
        self.expiry = CredentialExpiry(certificates(configuration), clock=resources.clock, log=resources.log.logger)
        limits = (route.limits for route in self.routes.values() if route.limits is not None)
        self.in_use = InUse([*limits, *self.sources.values(), *self.pools.values()])
        self.context = ExchangeContext(
            routes=Routes(self.routes.values()),
            name=configuration.via.encode(),
            own_names=resources.own_names,
            trusted_proxies=configuration.trusted_proxies,
            spool=resources.spool if any(route.uses_files for route in configuration.routes) else None,
            wall=resources.clock.wall,
            beginning=resources.beginning,
            log=resources.log,
            finishing=resources.finishing,
            in_use=self.in_use,
            recorded=resources.recorded,
        )
        self._before = None

    def apply(self) -> None:
        """Adds new authenticators, and gives token sources that were taken over their new options; cannot fail."""
        self._resources.authenticators.adopt(self._added)
        for change in self._changes:
            change()

    def start(self) -> None:
        """Starts to watch files, and the grants that `grant_at_start` asks for."""
        for each in self.clients.values():
            each.watcher.start(partial(self._renew, each.source))
            each.source.start()
        self.expiry.start()

    @property
    def authenticated(self) -> set[AuthenticatorKey]:
        """The keys of the authenticators that its routes need."""
        return {(each.name, each.inbound_auth) for each in self.configuration.routes if each.inbound_auth}

    @property
    def waiting(self) -> dict[str, int]:
        """The number of exchanges that wait for `max_concurrency`, by route with a queue."""
        return {
            name: route.limits.waiting
            for name, route in self.routes.items()
            if route.limits is not None and route.settings.queue
        }

    async def close(self, successor: "Generation | None" = None) -> None:
        """Stops watching files, except for watchers that the successor uses too."""
        kept = {each.watcher for each in successor.clients.values()} if successor else set()
        for each in self.clients.values():
            if each.watcher not in kept:
                await each.watcher.close()
        await self.expiry.close()

    def retire(self, successor: "Generation") -> None:
        """Closes idle connections of pools that the successor does not use; exchanges may still use the others."""
        for pool in set(self.pools.values()) - set(successor.pools.values()):
            pool.retire()

    def _client(self, name: str) -> WatchedClient:
        """Takes over the source, with its token, if client and token endpoint are the same."""
        resources = self._resources
        watcher = CredentialWatcher(self.configuration.oauth_clients[name], log=resources.log.logger)
        client = watcher.client
        known = self._before.clients.get(name) if self._before else None
        if known is not None:
            present = known.source.client
            if client == present:
                return known
            if (client.client_id, client.token_url) == (present.client_id, present.token_url):
                self._changes.append(partial(known.source.apply, client, granter(client, resources)))
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
        """Takes over the route if nothing about it has changed."""
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
        limits = limits_of(settings, resources.deadlines)
        replaced = REPLACED if resources.traces is not None else frozenset[str]()
        return make_route(
            settings,
            via=self.configuration.via,
            pool=pool,
            source=source,
            authenticator=authenticator,
            limits=limits,
            outbox=self._outbox(settings, limits, replaced),
            replaced=replaced,
        )

    def _outbox(self, settings: Settings, limits: RouteLimits | None, replaced: frozenset[str]) -> Acceptance | None:
        resources = self._resources
        if settings.outbox is None:
            return None
        return Acceptance(
            settings,
            settings.outbox,
            via=self.configuration.via,
            limits=limits,
            store=resources.outboxes.store,
            new_id=resources.message_ids,
            wall=resources.clock.wall,
            accepted=resources.outboxes.accepted,
            replaced=replaced,
        )

    def _pool(self, settings: Settings, upstream: SplitResult) -> Pool:
        """Returns the pool of the upstream; routes to the same upstream share it, across generations too."""
        secure = upstream.scheme == "https"
        host, port = upstream.hostname or "", port_of(upstream)
        named = settings.proxy_url.get_secret_value() if settings.proxy_url else None
        through = corporate_proxy(settings.upstream, proxy_url=named, environ=self._resources.environ, cleartext=True)
        tls = settings.tls if secure else None
        origin = UpstreamOrigin(host=host, port=port, tls=self._tls_context(tls) if tls else None, proxy=through)
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

    def _tls_context(self, tls: Tls) -> SSLContext:
        """Shares one context for the same file contents, across generations too: a context takes a megabyte."""
        key = (tls, stamp_of(each for each in (tls.ca_file, tls.cert_file, tls.key_file) if each))
        if key not in self.tls_contexts:
            known = self._before.tls_contexts.get(key) if self._before else None
            self.tls_contexts[key] = known or client_context(tls)
        return self.tls_contexts[key]


def granter(client: OAuthClient, resources: ProcessResources) -> Granter:
    """Returns what gets the client's tokens; ValueError if one of its credentials or options is not usable."""
    runner = GrantRunner(client, resources.grant_session.endpoint(client), clock=resources.clock)
    return runner if resources.store is None else resources.store.granter(client, runner, resources.clock)


def refuse_restart(present: Configuration, wanted: Configuration) -> None:
    """Raises ValueError for a change that needs a restart."""
    if wanted.reuse_port != present.reuse_port:
        raise ValueError("`reuse_port` cannot change while the sockets are bound: restart, or restore the old value")
    before, after = ((each.store.postgres, each.store.password_file) for each in (present, wanted))
    if before != after:
        raise ValueError("`store` cannot change while the proxy runs, only its keys_file: restart, or restore it")
