"""The composition root: makes a running proxy out of a configuration; the only place that knows all parts."""

import asyncio
import itertools
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from proxy.clock import Clock, SystemClock
from proxy.config.egress import corporate_proxy
from proxy.config.model import Address, Configuration, Forwarded, OAuthClient
from proxy.config.model import Route as RouteSettings
from proxy.config.urls import port_of
from proxy.errors import ProxyError
from proxy.forwarding.answers import problem
from proxy.forwarding.bounds import bounds_of
from proxy.forwarding.cookies import CookieRules
from proxy.forwarding.exchange import House, exchange
from proxy.forwarding.fields import RequestRules
from proxy.forwarding.gates import Gates
from proxy.forwarding.routes import Route, Routes
from proxy.forwarding.spool import Spool
from proxy.oauth.credentials import with_secrets
from proxy.oauth.endpoint import TokenEndpoint
from proxy.oauth.expiry import CredentialExpiry
from proxy.oauth.rotation import Rotation
from proxy.oauth.source import TokenSource, token_source
from proxy.observe.account import Account
from proxy.observe.logs import Log
from proxy.observe.metrics import Metrics
from proxy.server.descriptors import most_connections
from proxy.server.listener import Crowd, Listener, Reception
from proxy.server.refusals import Refusals
from proxy.server.sender import SenderConnection
from proxy.upstream.pool import Origin, Pool
from proxy.upstream.tls import client_context
from proxy.wire.deadlines import Deadlines
from proxy.wire.heads import assert_compiled
from proxy.wire.tls import reason_of

FEW = 0.9
"Share of `limits.max_connections`: whoever gets less is told at the start."
LAST_WORDS = 1.0
"Seconds for the answers to exchanges that did not end in time."


class App:
    """A proxy from `start` to `stop`. Reads files when made, so it is made before its event loop runs."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        log: Log,
        environ: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
        clock: Clock | None = None,
    ) -> None:
        assert_compiled()
        self._clock = clock or SystemClock()
        self.configuration = configuration
        self.log = log
        self.metrics = Metrics()
        self.draining = False
        self._deadlines = Deadlines(loop)
        self._refusals = Refusals(log, self._deadlines)
        self._environ = environ
        self._endpoint = TokenEndpoint(environ=environ)
        self.sources = {name: self._source(name) for name in configuration.oauth_clients}
        self._rotations = [
            Rotation(client, changed=self.sources[name].credentials_changed, log=log.logger)
            for name, client in configuration.oauth_clients.items()
        ]
        self.expiry = CredentialExpiry(certificates(configuration), clock=self._clock, log=log.logger)
        self._gates = Gates(log.logger)
        self.pools: dict[tuple[object, ...], Pool] = {}
        self._spool = Spool(log.logger) if any(route.spool for route in configuration.routes) else None
        self._house = House(
            routes=Routes(self._route(settings) for settings in configuration.routes),
            name=configuration.via.encode(),
            own_names=frozenset({socket.gethostname().lower()}),
            trusted_proxies=configuration.trusted_proxies,
            spool=self._spool,
            wall=self._clock.wall,
            closing=self._close_account,
        )
        self.crowd = Crowd(configuration.limits, most=self._most_connections(configuration.limits.max_connections))
        self.listeners = [Listener(settings, self._reception()) for settings in configuration.listen]

    async def start(self) -> None:
        """Opens the admin address, then the senders' addresses; OSError if one cannot be had."""
        from proxy.admin.site import AdminSite  # noqa: PLC0415 - aiohttp's server is needed here only

        self.admin = AdminSite(self, self.configuration.admin)
        with named("admin", self.configuration.admin):
            await self.admin.start()
        for rotation in self._rotations:
            rotation.start()
        self._gates.start()
        self.expiry.start()
        for listener in self.listeners:
            with named("listen", listener.settings.address):
                await listener.start(reuse_port=self.configuration.reuse_port)

    async def stop(self) -> None:
        """Accepts no more, lets exchanges end for at most `drain_timeout`, then ends everything."""
        self.draining = True
        for listener in self.listeners:
            listener.stop()
        for sender in self.crowd:
            sender.drain()
        await self.crowd.emptied(self.configuration.drain_timeout)
        await self._end_exchanges()
        await self.crowd.emptied(LAST_WORDS)
        for sender in self.crowd:
            sender.abort()
        await self._close()
        await asyncio.sleep(0)  # transports tell of their end in the next turn of the loop

    async def _end_exchanges(self) -> None:
        """What they wait for does not come any more."""
        for route in self._house.routes:
            if route.bounds is not None:
                route.bounds.close()
        for source in self.sources.values():
            await source.close()
        for pool in self.pools.values():
            await pool.close()
        await self._gates.close()

    async def _close(self) -> None:
        for rotation in self._rotations:
            await rotation.close()
        for listener in self.listeners:
            await listener.close()
        await self.expiry.close()
        await self._endpoint.close()
        await self.admin.stop()
        if self._spool is not None:
            await self._spool.close()
        self._refusals.expire()

    @property
    def waiting(self) -> dict[str, int]:
        """How many exchanges wait for their turn, by route; routes where none can wait are left out."""
        return {
            route.settings.name: route.bounds.waiting
            for route in self._house.routes
            if route.bounds is not None and route.settings.queue
        }

    # ---- the parts

    def _most_connections(self, wanted: int) -> int:
        most = most_connections(wanted)
        if most < FEW * wanted:
            self.log.logger.warning(
                "connections.limited",
                most=most,
                detail=f"`limits.max_connections` is {wanted}; the system has too few descriptors, see `ulimit -n`.",
            )
        return most

    def _source(self, name: str) -> TokenSource:
        client = self.configuration.oauth_clients[name]
        counted = partial(self.metrics.count_grant, name)
        return token_source(client, self._endpoint, self._clock, self.log.logger, counted)

    def _route(self, settings: RouteSettings) -> Route:
        upstream = urlsplit(settings.upstream)
        prefix, path = settings.path.encode(), upstream.path.encode()
        return Route(
            settings=settings,
            prefix=prefix,
            upstream_path=path,
            upstream_host=upstream.netloc.rpartition("@")[2].encode(),
            via=self.configuration.via.encode(),
            set_lines=tuple(f"{name}: {value}".encode("latin-1") for name, value in settings.set_fields.items()),
            forwarded=settings.forwarded,
            request_rules=RequestRules(
                drop=frozenset(name.lower().encode() for name in dropped_fields(settings)),
                sap_fields=settings.forward_sap_fields,
                forwarded=settings.forwarded is not Forwarded.OFF,
            ),
            cookie_rules=CookieRules(
                prefix=f"cpi.{settings.name}~".encode(),  # no name holds a tilde, so no prefix begins another
                route_path=prefix or b"/",
                upstream_path=path or b"/",
            ),
            pool=self._pool(settings),
            source=self.sources[settings.oauth_client],
            gate=self._gates.gate(settings.name, settings.inbound_auth) if settings.inbound_auth else None,
            bounds=bounds_of(settings, self._deadlines),
        )

    def _pool(self, settings: RouteSettings) -> Pool:
        """The pool of the route's upstream; routes to the same one share it."""
        upstream = urlsplit(settings.upstream)
        secure = upstream.scheme == "https"
        host, port = upstream.hostname or "", port_of(upstream)
        named = settings.proxy_url.get_secret_value() if settings.proxy_url else None
        through = corporate_proxy(settings.upstream, proxy_url=named, environ=self._environ, cleartext=True)
        key = (host, port, secure, settings.tls if secure else None, through)
        if key not in self.pools:
            tls = client_context(settings.tls) if secure else None
            origin = Origin(host=host, port=port, tls=tls, proxy=through)
            self.pools[key] = Pool(origin, self._deadlines, idle_timeout=self.configuration.upstream_idle_timeout)
        return self.pools[key]

    def _reception(self) -> Reception:
        return Reception(
            limits=self.configuration.limits,
            deadlines=self._deadlines,
            ids=request_ids(),
            crowd=self.crowd,
            serve=partial(exchange, house=self._house),
            refuse=self._refuse,
            crashed=self._crashed,
            unsecured=self._unsecured,
            log=self.log.logger,
        )

    # ---- what happens

    def _close_account(self, account: Account) -> None:
        self.metrics.count(account)
        if account.route:
            self.log.exchange(account)
        else:
            self._refusals.write(account)

    def _refuse(self, sender: SenderConnection, error: ProxyError, request_id: str) -> None:
        """Answers what never became a request, and accounts for it."""
        account = Account(request_id, "")
        account.client_certificate = sender.subject
        account.failed(error)
        sender.send(
            problem(error, name=self._house.name, request_id=request_id, method="", close=True, now=self._clock.wall())
        )
        account.end()
        self._close_account(account)

    def _crashed(self, error: BaseException, address: str) -> None:
        self.log.logger.error("exchange.crashed", sender=address, exc_info=error)

    def _unsecured(self, error: Exception, address: str) -> None:
        """Not above debug: whoever reaches the port can make as many as they like."""
        reason = reason_of(error) if isinstance(error, ssl.SSLError) else str(error)
        self.log.logger.debug("handshake.failed", sender=address, reason=reason)


@contextmanager
def named(option: str, address: Address) -> Iterator[None]:
    """Says which address cannot be had, in place of a number."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"`{option}` {address}: {reason}; stop what uses it, or choose another address") from error


def dropped_fields(settings: RouteSettings) -> tuple[str, ...]:
    """Names of the sender's fields that do not go on: unwanted, replaced, or its credential."""
    auth = settings.inbound_auth
    credential = (auth.api_key.field,) if auth and auth.api_key else ()
    return (*settings.drop_fields, *settings.set_fields, *credential)


def certificates(configuration: Configuration) -> dict[str, Callable[[], bytes]]:
    """The certificates that we show to others, by what they are for; to be read when they are looked at."""
    found: dict[str, Callable[[], bytes]] = {
        f"listener {each.address}": each.tls.cert_file.read_bytes for each in configuration.listen if each.tls
    }
    for name, client in configuration.oauth_clients.items():
        if client.tls.cert_file is not None:
            found[f"oauth_client {name}"] = client.tls.cert_file.read_bytes
        elif client.certificate is not None:
            found[f"oauth_client {name}"] = partial(present_certificate, client)
    for route in configuration.routes:
        if route.tls.cert_file is not None:
            found[f"route {route.name}"] = route.tls.cert_file.read_bytes
    return found


def present_certificate(client: OAuthClient) -> bytes:
    """The certificate of a service key, as its file has it now."""
    certificate = with_secrets(client).certificate
    return certificate.get_secret_value().encode() if certificate else b""


def request_ids() -> Iterator[str]:
    """Ids that no other process gives: a random beginning, and a number."""
    beginning = secrets.token_hex(8)
    return (f"{beginning}-{number:x}" for number in itertools.count(1))
