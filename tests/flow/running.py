"""The proxy in the process of a test: configured by a YAML text, its log in memory, its clocks moved by hand."""

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import yaml
from aiohttp import ClientSession

from proxy.app import App
from proxy.app.extension import AppExtension
from proxy.config.load import load
from proxy.config.model import Configuration
from proxy.console.site import Console
from proxy.observe.process_log import ProcessLog
from proxy.observe.traces import Traces
from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.log import LogLines
from tests.fakes.loop import HandLoop
from tests.fakes.sender import Answer, Sender, request
from tests.fakes.upstream import PATIENCE, Upstream
from tests.flow.canaries import representations

Document = dict[str, Any]
Serve = Callable[[Document], Awaitable["Running"]]
Orders = Callable[..., Awaitable["Running"]]
POST = request(b"POST /orders", body=b"x")
NewExtension = Callable[[], AppExtension | None]


class Running:
    """A proxy from `start` to `stop`; `clock` is that of its deadlines and of its tokens."""

    def __init__(self, app: App, lines: LogLines, clock: HandLoop, file: Path) -> None:
        self.app = app
        self._file = file
        self.lines = lines
        self.clock = clock
        self.senders: list[Sender] = []
        self.pages: list[str] = []
        "What was read at the admin address."
        self.representations: list[str] = []
        "Of its parts, when it was stopped."

    @property
    def port(self) -> int:
        """Where the first listener listens."""
        return self.app.listeners[0].port

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.app.admin.port}"

    async def sender(self, port: int = 0, *, tls: ssl.SSLContext | None = None) -> Sender:
        """A new connection; it ends with the proxy, if not earlier."""
        sender = await Sender.connect(port or self.port, tls)
        self.senders.append(sender)
        return sender

    async def ask(self, octets: bytes) -> Answer:
        return await (await self.sender()).ask(octets)

    async def begin(self, octets: bytes = POST, *, tls: ssl.SSLContext | None = None) -> Sender:
        sender = await self.sender(tls=tls)
        await sender.send(octets)
        return sender

    async def ask_admin(self, path: str, token: str | None = None) -> tuple[int, str]:
        """Status and text of a resource of the admin address."""
        shown = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with ClientSession(headers=shown) as session, session.get(self.admin_url + path) as answer:
            self.pages.append(await answer.text())
            return answer.status, self.pages[-1]

    async def accounts(self, count: int = 1) -> list[dict[str, Any]]:
        """The log lines of finished exchanges, when there are so many."""
        return await self.lines.reach("exchange.finished", count)

    async def record(self) -> dict[str, Any]:
        """The log line of the last finished exchange."""
        return (await self.accounts())[-1]

    async def reload(self, document: Document) -> None:
        await self.apply(await asyncio.to_thread(configured, document, self._file))

    async def apply(self, configuration: Configuration) -> None:
        await self.app.apply(await self.app.prepare(configuration))

    async def stop(self) -> None:
        """Let the senders go, then stop."""
        self.representations.append(representations(self))
        for sender in self.senders:
            sender.leave()
        await self.app.stop()


async def start(
    document: Document,
    folder: Path,
    clock: HandLoop,
    traces: Traces | None = None,
    new_extension: NewExtension = lambda: None,
) -> Running:
    """A running proxy; it has a console only if the test wants one."""
    lines, loop = LogLines(), asyncio.get_running_loop()
    time = cast("asyncio.AbstractEventLoop", clock)

    def make() -> App:
        configuration = configured(document, folder / "proxy.yaml")
        log = ProcessLog(lines, level=configuration.log.level.value, human=False)
        environ, extension = {"XDG_RUNTIME_DIR": str(folder)}, new_extension()
        app = App(configuration, log=log, environ=environ, loop=time, clock=clock, traces=traces, extension=extension)
        if isinstance(extension, Console):
            extension.attach(app)
        return app

    running = Running(await loop.run_in_executor(None, make), lines, clock, folder / "proxy.yaml")
    try:
        await running.app.start()
    except OSError:
        await running.app.stop()
        raise
    return running


SETTINGS: Document = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "via": "here", "log": {"level": "debug"}}


def configured(document: Document, path: Path) -> Configuration:
    """The configuration that the document is, written to a file."""
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return load(path, {})


def document(
    upstream: Upstream | str, authority: AuthorizationServer | str, *, client: Document | None = None, **route: Any
) -> Document:
    """A configuration with one route, `/orders`, to a scripted upstream's `/http/orders`."""
    token_url = authority if isinstance(authority, str) else authority.url
    base = upstream if isinstance(upstream, str) else upstream.url
    return SETTINGS | {
        "oauth_clients": {
            "orders": {"token_url": token_url, "client_id": "id", "client_secret": "cAnArySecret", **(client or {})}
        },
        "routes": [{"path": "/orders", "upstream": f"{base}/http/orders", "oauth_client": "orders", **route}],
    }


def tenant_document(tenant: Tenant, ca_file: Path, **route: Any) -> Document:
    """A configuration for the stand-in tenant: `/http` as the Neo client, `/btp` as the BTP client."""
    tls = {"ca_file": str(ca_file)}
    neo = {
        "provider": "neo",
        "token_url": tenant.neo_token_url,
        "client_id": tenant.neo_client.client_id,
        "client_secret": tenant.neo_client.secret,
        "tls": tls,
    }
    upstream = f"{tenant.runtime_url}/http"
    return SETTINGS | {
        "oauth_clients": {"neo": neo, "btp": {"service_key": tenant.service_key, "tls": tls}},
        "routes": [
            {"path": "/http", "upstream": upstream, "oauth_client": "neo", "tls": tls, **route},
            {"path": "/btp", "upstream": "/http", "oauth_client": "btp", "tls": tls, **route},
        ],
    }


async def until(fact: Callable[[], object]) -> None:
    """Turn the event loop until something holds."""
    async with asyncio.timeout(PATIENCE):
        for turn in itertools.count():
            if fact():
                return
            await asyncio.sleep(0 if turn < 100 else 0.001)  # what is done by another thread needs the processor


async def turns(count: int = 50) -> None:
    """Let the event loop do what is ready, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)


async def soon(awaitable: Awaitable[Any]) -> None:
    """Wait, but not for ever: a test that waits in vain fails."""
    async with asyncio.timeout(PATIENCE):
        await awaitable
