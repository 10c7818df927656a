"""What one configuration makes, and what the next one takes over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
import trustme
import yaml

from proxy.app.generation import Generation
from proxy.app.process_resources import ProcessResources
from proxy.config.load import load
from proxy.observe.process_log import ProcessLog
from tests.cases import cases
from tests.fakes.log import LogLines
from tests.fakes.loop import HandLoop

Make = Callable[..., Awaitable[Generation]]
CLIENT = {"token_url": "https://as.example/t", "client_id": "id", "client_secret": "s", "timeout": "5s"}
A: Mapping[str, object] = {"path": "/a", "upstream": "https://one.example/a", "oauth_client": "orders"}
B: Mapping[str, object] = {"path": "/b", "upstream": "https://two.example/b", "oauth_client": "orders"}


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes generations of configurations with these routes, as the proxy does."""
    resources = ProcessResources(
        log=ProcessLog(LogLines(), level="debug", human=False),
        environ={},
        loop=HandLoop(),  # type: ignore[arg-type]
        clock=HandLoop(),
    )

    async def generation(
        *routes: Mapping[str, object], before: Generation | None = None, **options: object
    ) -> Generation:
        def loaded() -> Generation:
            path = tmp_path / "proxy.yaml"
            path.write_text(yaml.safe_dump({"oauth_clients": {"orders": CLIENT}, "routes": list(routes), **options}))
            return Generation(load(path, {}), resources, before=before)

        return await asyncio.to_thread(loaded)

    yield generation
    await resources.close()


async def test_routes_share_pools_by_upstream_and_contexts_by_trust(make: Make, tmp_path: Path) -> None:
    """A TLS context takes a megabyte."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    made = await make(A, B, {**A, "path": "/c"}, {**B, "path": "/d", "tls": {"ca_file": "ca.pem"}})
    pools = {path: made.routes[path].pool for path in "abcd"}
    assert pools["a"] is pools["c"]
    assert len(set(pools.values())) == 3
    assert pools["a"].origin.tls is pools["b"].origin.tls
    assert pools["d"].origin.tls is not pools["b"].origin.tls


async def test_everything_unchanged_is_taken_over(make: Make) -> None:
    """A changed route keeps what did not change."""
    first = await make(A, B)
    second = await make(A, {**B, "max_body": 1}, before=first)
    assert second.routes["a"] is first.routes["a"]
    assert second.routes["b"] is not first.routes["b"]
    assert second.sources == first.sources
    assert second.pools == first.pools
    assert second.tls_contexts == first.tls_contexts
    assert second.in_use.parts == first.in_use.parts


async def test_a_removed_route_leaves_its_pool_and_limits_behind(make: Make) -> None:
    """Exchanges may still use them."""
    first = await make(A, {**B, "max_concurrency": 1})
    second = await make(A, before=first)
    assert first.in_use.parts - second.in_use.parts == {first.routes["b"].pool, first.routes["b"].limits}


@cases("options", {"via": "other"}, {"upstream_idle_timeout": 1})
async def test_global_options_reach_every_route(make: Make, options: dict[str, object]) -> None:
    """Such a route is made anew."""
    first = await make(A)
    second = await make(A, before=first, **options)
    assert second.routes["a"] is not first.routes["a"]
