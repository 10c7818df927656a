"""What operators ask a running proxy: is it alive, is it ready, what has it counted, what does it hold."""

import asyncio
import importlib
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiohttp import web

from proxy import __version__
from proxy.admin.connection import AdminConnections, AdminObserver, timed
from proxy.config.model import Address, Admin, Configuration
from proxy.oauth.expiry import CredentialExpiry
from proxy.oauth.source import TokenSource
from proxy.observe.log_format import LEVELS
from proxy.observe.metrics import Metrics
from proxy.observe.process_log import ProcessLog
from proxy.upstream.pool import Pool
from proxy.wire.deadlines import Deadlines
from proxy.wire.local_site import SiteFence, fenced_application
from proxy.wire.request_target import host_name

if TYPE_CHECKING:
    from prometheus_client.core import Metric


BACKLOG = 16
"Connections that may wait to be accepted: each of them may have a descriptor for a moment, with those of `MOST`."
LARGEST_BODY = 1024
"Octets of a request's body."
LAST_WORDS = 1.0
"Seconds for the answers to requests that are being served at the stop."
PUBLIC = frozenset({"/livez", "/readyz", "/metrics", "/status"})


class ObservedProxy(AdminObserver, Protocol):
    """The running proxy, as far as this address shows it."""

    metrics: Metrics
    log: ProcessLog
    deadlines: Deadlines
    is_open: bool
    "Whether the senders' addresses are."
    draining: bool

    @property
    def configuration(self) -> Configuration:
        """The one that holds."""
        ...

    @property
    def sources(self) -> Mapping[str, TokenSource]:
        """By OAuth client."""
        ...

    @property
    def expiry(self) -> CredentialExpiry:
        """When the certificates that we show expire."""
        ...

    @property
    def pools(self) -> list[Pool]:
        """Connections to upstreams."""
        ...

    @property
    def crowd(self) -> Any:
        """The senders' connections."""
        ...

    @property
    def waiting(self) -> dict[str, int]:
        """How many exchanges wait for their turn, by route."""
        ...


class AdminSite:
    """Serves from `start` to `stop`; beyond loopback without what changes or describes the proxy."""

    def __init__(self, proxy: ObservedProxy, settings: Admin) -> None:
        self._proxy = proxy
        self.settings = settings
        self._hosts: set[str] = set()
        self.take(settings)
        self._runner: web.AppRunner | None = None
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Serves on these, which listen at the address."""
        self._runner = web.AppRunner(self._application(), handle_signals=False, shutdown_timeout=LAST_WORDS)
        await self._runner.setup()
        accept = AdminConnections(cast("web.Server", self._runner.server), self._proxy, self._proxy.deadlines)
        loop = asyncio.get_running_loop()
        for each in sockets:  # aiohttp's SockSite would take a Unix socket for TCP, under uvloop
            serve = loop.create_unix_server if each.family is socket.AF_UNIX else loop.create_server
            self._servers.append(await serve(accept, sock=each, backlog=BACKLOG))
            self._sockets.append(each)

    def take(self, settings: Admin) -> None:
        """Answers to other names from now on; the address is the same."""
        self.settings = settings
        self._hosts.clear()
        self._hosts.update(host_name(each.encode()) for each in settings.hosts)

    @property
    def port(self) -> int:
        """The port that is listened on, also where the configuration says 0."""
        return int(self._sockets[0].getsockname()[1]) if self._sockets and self.settings.address.path is None else 0

    @property
    def address(self) -> Address:
        """Where it listens."""
        wanted = self.settings.address
        return wanted if wanted.path is not None else replace(wanted, port=self.port)

    @property
    def sockets(self) -> list[socket.socket]:
        """What it listens with."""
        return self._sockets

    async def stop(self) -> None:
        """Listens no more."""
        for server in self._servers:
            server.close()
        self._servers, self._sockets = [], []
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        """Its resources; beyond loopback probes name this machine by whatever address they know."""
        loopback = self.settings.address.loopback
        fence = SiteFence(hosts=self._hosts if loopback else None, public=PUBLIC)
        app = fenced_application(fence, outer=(timed,), refused=self._proxy.admin_refused, client_max_size=LARGEST_BODY)
        app.router.add_get("/", self._index)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        if loopback:
            app.router.add_get("/status", self._status)
            app.router.add_put("/log-level", self._log_level)
        return app

    async def _index(self, request: web.Request) -> web.Response:
        lines = [f"{each.method} {each.resource.canonical}" for each in request.app.router.routes() if each.resource]
        return web.Response(text="".join(f"{line}\n" for line in lines if not line.startswith("HEAD")))

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        blocked = (name for name, source in self._proxy.sources.items() if source.is_blocked)
        reasons = ["draining"] if self._proxy.draining else []
        if not self._proxy.is_open:
            reasons.append("the addresses for senders are not open yet")
        reasons += [f"OAuth client {name} has no token and cannot get one" for name in blocked]
        return web.Response(status=503 if reasons else 200, text="\n".join(reasons or ["ready"]) + "\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        await asyncio.to_thread(importlib.import_module, "prometheus_client")  # it reads files
        from prometheus_client.exposition import generate_latest  # noqa: PLC0415 - on scrape only
        from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415

        registry = CollectorRegistry()
        registry.register(_Families(self._proxy))
        return web.Response(body=generate_latest(registry), content_type="text/plain", charset="utf-8")

    async def _status(self, _request: web.Request) -> web.Response:
        proxy = self._proxy
        return web.Response(
            text=json.dumps(
                {
                    "version": __version__,
                    "draining": proxy.draining,
                    "connections": len(proxy.crowd),
                    "in_flight": in_flight(proxy),
                    "routes": [
                        {
                            "name": each.name,
                            "path": each.path,
                            "host": each.host,
                            "upstream": each.upstream,
                            "oauth_client": each.oauth_client,
                        }
                        for each in proxy.configuration.routes
                    ],
                    "oauth_clients": {name: _source(source) for name, source in proxy.sources.items()},
                    "upstreams": [
                        {"origin": str(pool.origin), "idle": pool.idle, "leased": pool.leased} for pool in proxy.pools
                    ],
                },
                indent=2,
            )
            + "\n",
            content_type="application/json",
        )

    async def _log_level(self, request: web.Request) -> web.Response:
        try:
            level = (await text_of(request)).strip()
        except (LookupError, ValueError, web.RequestPayloadError):
            return web.Response(status=400, text="send the level as text in UTF-8, without Content-Encoding\n")
        if level not in LEVELS:
            return web.Response(status=400, text=f"a level is one of {', '.join(LEVELS)}\n")
        self._proxy.log.set_level(level)
        return web.Response(text=f"{level}\n")


async def text_of(request: web.Request) -> str:
    """The body; LookupError or ValueError if its charset or encoding is not known or not kept to."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise LookupError("a content coding, where none is understood")
    return (await request.read()).decode(request.charset or "utf-8")


def in_flight(proxy: ObservedProxy) -> int:
    """How many exchanges are on their way."""
    return sum(sender.busy for sender in proxy.crowd)


def _source(source: TokenSource) -> dict[str, Any]:
    """What may be told of a token."""
    failure = source.failure
    return {
        "freshness": source.freshness.value if source.freshness else "none",
        "expires": source.expires,
        "grants": dict(source.grants),
        "failure": failure.error.code if failure else None,
    }


class _Families:
    """Everything that Prometheus gets."""

    def __init__(self, proxy: ObservedProxy) -> None:
        self._proxy = proxy

    def collect(self) -> "Iterator[Metric]":
        """The metric families, at this moment."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - on scrape only

        proxy = self._proxy
        yield from proxy.metrics.collect()
        yield GaugeMetricFamily("cpi_proxy_in_flight", "Exchanges on their way.", value=in_flight(proxy))
        yield GaugeMetricFamily("cpi_proxy_sender_connections", "Connections of senders.", value=len(proxy.crowd))
        yield GaugeMetricFamily(
            "cpi_proxy_sender_connections_max", "How many there may be at most.", value=proxy.crowd.most
        )
        waiting = GaugeMetricFamily("cpi_proxy_waiting", "Exchanges that wait for their turn.", labels=["route"])
        for name, count in proxy.waiting.items():
            waiting.add_metric([name], count)
        yield waiting
        expiry = GaugeMetricFamily(
            "cpi_proxy_token_expiry_timestamp_seconds", "When the token expires.", labels=["oauth_client"]
        )
        for name, source in proxy.sources.items():
            if source.expires is not None:
                expiry.add_metric([name], source.expires)
        yield expiry
        credentials = GaugeMetricFamily(
            "cpi_proxy_credential_expiry_timestamp_seconds",
            "When a certificate of ours expires.",
            labels=["credential"],
        )
        for name, end in proxy.expiry.ends.items():
            credentials.add_metric([name], end)
        yield credentials
        connections = GaugeMetricFamily("cpi_proxy_upstream_connections", "Connections to upstreams.", labels=["state"])
        connections.add_metric(["idle"], sum(pool.idle for pool in proxy.pools))
        connections.add_metric(["leased"], sum(pool.leased for pool in proxy.pools))
        yield connections
