"""The admin address: health, metrics and status of a running proxy, and its log level."""

import asyncio
import importlib
import json
import socket
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from aiohttp import web

from proxy.admin.connection import AdminConnections, timed
from proxy.admin.state import ObservedProxy, reasons_not_ready, status_of
from proxy.config.model import Address, Admin
from proxy.observe.log_format import LEVELS
from proxy.wire.local_site import SiteFence, fenced_application
from proxy.wire.request_target import host_name

BACKLOG = 16
"Connections that may wait to be accepted; each may use a descriptor for a moment, in addition to those of `MOST`."
LARGEST_BODY = 1024
"Bytes of a request's body."
LAST_WORDS = 1.0
"Seconds at shutdown for answers to requests that are being served."
PUBLIC = frozenset({"/livez", "/readyz", "/metrics", "/status"})


class AdminSite:
    """Serves from `start` to `stop`; beyond loopback only what neither changes nor describes the proxy."""

    def __init__(self, proxy: ObservedProxy, settings: Admin) -> None:
        self._proxy = proxy
        self.settings = settings
        self._hosts: set[str] = set()
        self.apply(settings)
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []
        self.sockets: list[socket.socket] = []
        "The listening sockets."

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Serves on these sockets, which listen at the address already."""
        self._runner = web.AppRunner(self._application(), handle_signals=False, shutdown_timeout=LAST_WORDS)
        await self._runner.setup()
        server = cast("web.Server", self._runner.server)
        accept = AdminConnections(server, self._proxy.incidents, self._proxy.deadlines)
        loop = asyncio.get_running_loop()
        for each in sockets:  # aiohttp's SockSite would take a Unix socket for TCP, under uvloop
            serve = loop.create_unix_server if each.family is socket.AF_UNIX else loop.create_server
            self._servers.append(await serve(accept, sock=each, backlog=BACKLOG))
            self.sockets.append(each)

    def apply(self, settings: Admin) -> None:
        """Applies other host names; the address stays the same."""
        self.settings = settings
        self._hosts.clear()
        self._hosts.update(host_name(each.encode()) for each in settings.hosts)

    @property
    def port(self) -> int:
        """The bound port, also if the configuration says 0; 0 for a Unix socket."""
        return int(self.sockets[0].getsockname()[1]) if self.sockets and self.settings.address.path is None else 0

    @property
    def address(self) -> Address:
        """The address with the bound port."""
        configured = self.settings.address
        return configured if configured.path is not None else replace(configured, port=self.port)

    async def stop(self) -> None:
        """Closes the sockets and all connections."""
        for server in self._servers:
            server.close()
        self._servers, self.sockets = [], []
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        """Beyond loopback any Host is served, because probes use whatever name they know for this machine."""
        loopback = self.settings.address.loopback
        fence = SiteFence(hosts=self._hosts if loopback else None, public=PUBLIC)
        refused = self._proxy.incidents.admin_refused
        app = fenced_application(fence, outer=(timed,), refused=refused, client_max_size=LARGEST_BODY)
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
        reasons = reasons_not_ready(self._proxy.state())
        return web.Response(status=503 if reasons else 200, text="\n".join(reasons or ["ready"]) + "\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        await asyncio.to_thread(importlib.import_module, "proxy.admin.prometheus")  # it reads files
        from proxy.admin.prometheus import exposition  # noqa: PLC0415 - loaded by the first scrape

        return web.Response(
            body=exposition(self._proxy, await self._proxy.outboxes()), content_type="text/plain", charset="utf-8"
        )

    async def _status(self, _request: web.Request) -> web.Response:
        text = json.dumps(status_of(self._proxy.state(await self._proxy.outboxes())), indent=2)
        return web.Response(text=f"{text}\n", content_type="application/json")

    async def _log_level(self, request: web.Request) -> web.Response:
        try:
            level = (await text_of(request)).strip()
        except (LookupError, ValueError, web.RequestPayloadError):
            return web.Response(status=400, text="send the level as UTF-8 text without Content-Encoding\n")
        if level not in LEVELS:
            return web.Response(status=400, text=f"the level must be one of {', '.join(LEVELS)}\n")
        self._proxy.log.set_level(level)
        return web.Response(text=f"{level}\n")


async def text_of(request: web.Request) -> str:
    """Returns the body as text; LookupError or ValueError if its coding or charset is unknown or does not match."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise LookupError("a content coding, although none is supported")
    return (await request.read()).decode(request.charset or "utf-8")
