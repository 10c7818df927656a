"""The admin address: health, metrics and status of a running proxy, and its log level."""

import asyncio
import importlib
import json
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote

from aiohttp import web

from proxy.admin.access import CONSOLE, AdminAccess, token_guard
from proxy.admin.admin_token import AdminToken
from proxy.admin.body import text_of
from proxy.admin.connection import AdminConnections, timed
from proxy.admin.outbox.documents import status_document
from proxy.admin.outbox.overview import overview_if_available
from proxy.admin.outbox.resources import OutboxResources
from proxy.admin.state import ObservedProxy, reasons_not_ready, status_of
from proxy.config.model import Address, Admin
from proxy.hosts import host_and_port
from proxy.observe.log_format import LEVELS
from proxy.wire.local_site import SiteFence, fenced_application
from proxy.wire.request_target import host_name

BACKLOG = 16
"Connections that may wait to be accepted; each may use a descriptor for a moment, in addition to those of `MOST`."
LARGEST_BODY = 1024
"Bytes of a body, unless a resource reads it with a limit of its own (`body_of`)."
LAST_WORDS = 1.0
"Seconds at shutdown for answers to requests that are being served."
PUBLIC = frozenset({"/livez", "/readyz", "/metrics", "/status"})
"What the pages of all sites may GET."
CODES = "/console/codes"
WITHOUT_TOKEN = PUBLIC | {"/log-level"}


class AdminSite:
    """Serves from `start` to `stop`; beyond loopback only what neither changes nor describes the proxy."""

    def __init__(
        self,
        proxy: ObservedProxy,
        settings: Admin,
        token: AdminToken,
        *,
        extend: Callable[[web.Application], None] | None = None,
    ) -> None:
        """`extend` adds further resources below `/console/`, which need the token."""
        self._proxy = proxy
        self.settings = settings
        self.token = token
        self._extend = extend
        self.access = AdminAccess(proxy.deadlines.now)
        self._hosts: set[str] = set()
        self._name_hosts()
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []
        self.sockets: list[socket.socket] = []
        "The listening sockets."

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Serves on these sockets, which listen at the address already."""
        self.sockets = list(sockets)
        if self.settings.address.loopback:
            await self.token.start(self.access, self.address)
        # A client that disconnects cancels its request: a message that is being sent, a check, a stream.
        self._runner = web.AppRunner(
            self._application(), handle_signals=False, shutdown_timeout=LAST_WORDS, handler_cancellation=True
        )
        await self._runner.setup()
        server = cast("web.Server", self._runner.server)
        accept = AdminConnections(server, self._proxy.incidents, self._proxy.deadlines)
        loop = asyncio.get_running_loop()
        for each in self.sockets:  # aiohttp's SockSite would take a Unix socket for TCP, under uvloop
            serve = loop.create_unix_server if each.family is socket.AF_UNIX else loop.create_server
            self._servers.append(await serve(accept, sock=each, backlog=BACKLOG))

    async def apply(self, settings: Admin, token: AdminToken) -> None:
        """Applies other host names, or another token; the address stays the same."""
        self.settings = settings
        self._name_hosts()
        if token is not self.token:
            before, self.token = self.token, token
            await before.close()
            if settings.address.loopback:
                await token.start(self.access, self.address)

    @property
    def port(self) -> int:
        """The bound port, also if the configuration says 0; 0 for a Unix socket."""
        return int(self.sockets[0].getsockname()[1]) if self.sockets and self.settings.address.path is None else 0

    @property
    def address(self) -> Address:
        """The address with the bound port."""
        configured = self.settings.address
        return configured if configured.path is not None else replace(configured, port=self.port)

    @property
    def console_url(self) -> str | None:
        """The URL that opens the console, with the token; None if there is none, or not for a browser."""
        if self.access.token is None or self.settings.address.path is not None:
            return None
        return console_url(self.address, self.access.token)

    async def stop(self) -> None:
        """Closes the sockets and all connections."""
        await self.token.close()
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
        inner: tuple[Any, ...] = ()
        if loopback:
            inner = (token_guard(self.access, public=WITHOUT_TOKEN, address=lambda: self.address, refused=refused),)
        app = fenced_application(fence, outer=(timed,), inner=inner, refused=refused, client_max_size=LARGEST_BODY)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        if loopback:
            app.router.add_get("/", self._index)
            app.router.add_get("/status", self._status)
            app.router.add_put("/log-level", self._log_level)
            OutboxResources(self._proxy, lambda: self.address).add_to(app.router)
            app.router.add_post(CODES, self._code)
            if self._extend is not None:
                self._extend(app)
        return app

    def _name_hosts(self) -> None:
        self._hosts.clear()
        self._hosts.update(host_name(each.encode()) for each in self.settings.hosts)

    async def _index(self, request: web.Request) -> web.Response:
        """Lists the resources; of those of the console the page alone."""
        found = [(each.method, each.resource.canonical) for each in request.app.router.routes() if each.resource]
        shown = [(method, path) for method, path in found if path == CONSOLE or not f"{path}/".startswith(CONSOLE)]
        return web.Response(text="".join(f"{method} {path}\n" for method, path in shown if method != "HEAD"))

    async def _code(self, _request: web.Request) -> web.Response:
        """Answers with a code for the console's URL: a browser's command line is no place for the token."""
        return web.Response(text=self.access.code())

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        reasons = reasons_not_ready(self._proxy.state())
        return web.Response(status=503 if reasons else 200, text="\n".join(reasons or ["ready"]) + "\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        await asyncio.to_thread(importlib.import_module, "proxy.admin.prometheus")  # it reads files
        from proxy.admin.prometheus import exposition  # noqa: PLC0415 - loaded by the first scrape

        outboxes = await overview_if_available(self._proxy)
        return web.Response(body=exposition(self._proxy, outboxes), content_type="text/plain", charset="utf-8")

    async def _status(self, _request: web.Request) -> web.Response:
        outboxes = await overview_if_available(self._proxy)
        status = status_of(self._proxy.state()) | {"outbox": status_document(outboxes)}
        text = json.dumps(status, indent=2)
        return web.Response(text=f"{text}\n", content_type="application/json")

    async def _log_level(self, request: web.Request) -> web.Response:
        try:
            level = (await text_of(request, most=LARGEST_BODY)).strip()
        except (LookupError, ValueError, web.RequestPayloadError):
            return web.Response(status=400, text="send the level as UTF-8 text without Content-Encoding\n")
        if level not in LEVELS:
            return web.Response(status=400, text=f"the level must be one of {', '.join(LEVELS)}\n")
        self._proxy.log.set_level(level)
        return web.Response(text=f"{level}\n")


def console_url(address: Address, token: str) -> str:
    """Returns the URL that opens the console in a browser."""
    return f"http://{host_and_port(address.host, address.port)}{CONSOLE}?token={quote(token, safe='')}"
