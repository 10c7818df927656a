"""A proxy in front of a stand-in tenant or of a scripted upstream, all of them on real sockets in one event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.cli.loops import loop_factory
from proxy.sandbox.tenant import Tenant
from proxy.store.postgres import database as database_module
from tests.fakes.authority import Authority
from tests.fakes.authorization_server import AuthorizationServer, granted, refused
from tests.fakes.loop import HandLoop
from tests.fakes.traces import MemoryTraces
from tests.fakes.upstream import Upstream
from tests.flow.canaries import leaks
from tests.flow.outbox import outbox_document
from tests.flow.running import Document, NewExtension, Orders, Running, Serve, document, start, tenant_document
from tests.flow.tenant_client import TenantClient, connected


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop that the command uses."""
    del config, item
    return {"loop": loop_factory() or asyncio.new_event_loop}


@pytest.fixture(scope="module", autouse=True)
def _yaml_in_c() -> Iterator[None]:
    """Write and read configurations with PyYAML's parts in C: those in Python take as long as the rest of a test.

    The parser that the proxy really has is tried in tests/unit/config, and by its commands.
    """
    with pytest.MonkeyPatch.context() as patched:
        if yaml.__with_libyaml__:
            patched.setattr(yaml, "SafeLoader", yaml.CSafeLoader)
            patched.setattr(yaml, "SafeDumper", yaml.CSafeDumper)
        yield


@pytest.fixture
def clock() -> HandLoop:
    """The clock of everything in the test: the proxy's deadlines and tokens, the tenant's tokens."""
    return HandLoop()


@pytest.fixture
def traces() -> MemoryTraces | None:
    """Where spans go: there are none, unless a file of tests has its own."""
    return None


@pytest.fixture
def new_extension() -> NewExtension:
    """Makes what is added to each proxy: nothing, unless a file of tests has its own."""
    return lambda: None


@pytest.fixture
async def serve(
    tmp_path: Path,
    clock: HandLoop,
    traces: MemoryTraces | None,
    new_extension: NewExtension,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> AsyncIterator[Serve]:
    """Starts proxies, stops them after the test, and looks for canaries in all that they have written."""
    served: list[Running] = []
    async with AsyncExitStack() as stack:

        async def serving(document: Document) -> Running:
            running = await start(document, tmp_path, clock, traces, new_extension)
            served.append(running)
            stack.push_async_callback(running.stop)
            return running

        yield serving
    streams = capfd.readouterr()
    spans = traces.text if traces else ""
    for running in served:
        assert leaks(running, logging=caplog.text, stdout=streams.out, stderr=streams.err, spans=spans) == {}


@pytest.fixture
def orders(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> Orders:
    """Starts proxies whose one route, `/orders`, has these options; `also` is beside the route."""

    def started(
        also: Document | None = None, *, upstream: Any = upstream, authority: Any = authority, **options: Any
    ) -> Awaitable[Running]:
        return serve(document(upstream, authority, **options) | (also or {}))

    return started


@pytest.fixture
def outbox(serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path) -> Orders:
    """Starts proxies whose one route, `/orders`, has an outbox with these options; `also` is beside the route."""

    def started(
        upstream: Any = upstream, authority: Any = authority, also: Document | None = None, **options: Any
    ) -> Awaitable[Running]:
        return serve(outbox_document(upstream, authority, tmp_path, **options) | (also or {}))

    return started


@pytest.fixture
def first(upstream: Upstream, authority: AuthorizationServer) -> Document:
    """The configuration of a proxy whose route has no options."""
    return document(upstream, authority)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no outage."""
    monkeypatch.setattr(database_module, "QUICK", 10.0)


@pytest.fixture
async def plain(orders: Orders) -> Running:
    """A proxy whose route has no options."""
    return await orders()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A scripted upstream that answers 200 until the test scripts something else."""
    async with Upstream() as started:
        yield started


@pytest.fixture
async def authority() -> AsyncIterator[AuthorizationServer]:
    """An authorization server whose tokens are token-1, token-2, and so on."""
    async with AuthorizationServer(*(granted(f"token-{number}") for number in range(1, 10))) as started:
        yield started


@pytest.fixture
async def refusing() -> AsyncIterator[AuthorizationServer]:
    """An authorization server that refuses the client."""
    async with AuthorizationServer(refused(401, error="invalid_client")) as started:
        yield started


@pytest.fixture
async def tenant(clock: HandLoop) -> AsyncIterator[Tenant]:
    """A running stand-in tenant."""
    async with Tenant(clock=clock) as started:
        yield started


@pytest.fixture
async def client(tenant: Tenant) -> AsyncIterator[TenantClient]:
    """A client of the stand-in tenant."""
    async with connected(tenant) as opened:
        yield opened


@pytest.fixture
def ca_file(tenant: Tenant, tmp_path: Path) -> Path:
    """The tenant's certificate authority."""
    path = tmp_path / "ca.pem"
    path.write_text(tenant.ca_pem)
    return path


@pytest.fixture
async def proxy(serve: Serve, tenant: Tenant, ca_file: Path, settings: Document) -> Running:
    """A proxy in front of the tenant: `/http` as the Neo client, `/btp` as the BTP client."""
    return await serve(tenant_document(tenant, ca_file, **settings))


@pytest.fixture
def settings() -> dict[str, Any]:
    """The options of the routes in front of the tenant; to be overridden by `pytest.mark.parametrize`."""
    return {}


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    """The authority of listeners' certificates."""
    return Authority(tmp_path)
