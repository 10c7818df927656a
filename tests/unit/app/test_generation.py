"""What one configuration makes, and what the next one takes over."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import trustme
import yaml

from proxy.app.generation import Generation
from proxy.app.process_resources import ProcessResources
from proxy.config.load import load
from proxy.config.model import Configuration
from proxy.observe.process_log import ProcessLog
from tests.fakes.log import LogLines
from tests.fakes.loop import HandLoop


@pytest.fixture
async def resources() -> AsyncIterator[ProcessResources]:
    """Those of a process."""
    made = ProcessResources(
        log=ProcessLog(LogLines(), level="debug", human=False),
        environ={},
        loop=HandLoop(),  # type: ignore[arg-type]
        clock=HandLoop(),
    )
    yield made
    await made.close()


async def generation(
    resources: ProcessResources,
    folder: Path,
    *routes: Mapping[str, object],
    before: Generation | None = None,
    **options: object,
) -> Generation:
    """The one of a configuration with these routes, made as the proxy makes it."""

    def make() -> Generation:
        return Generation(configuration(folder, *routes, **options), resources, before=before)

    return await asyncio.to_thread(make)


def configuration(folder: Path, *routes: Mapping[str, object], **options: object) -> Configuration:
    """One with these routes."""
    client = {"token_url": "https://as.example/t", "client_id": "id", "client_secret": "s", "timeout": "5s"}
    written = [{"oauth_client": "orders", **route} for route in routes]
    path = folder / "proxy.yaml"
    path.write_text(yaml.safe_dump({"oauth_clients": {"orders": client}, "routes": written, **options}))
    return load(path, {})


A: Mapping[str, object] = {"path": "/a", "upstream": "https://one.example/a"}
B: Mapping[str, object] = {"path": "/b", "upstream": "https://two.example/b"}


async def test_routes_to_one_upstream_share_a_pool_and_one_trust_a_context(
    resources: ProcessResources, tmp_path: Path
) -> None:
    """A context takes a megabyte."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    made = await generation(
        resources, tmp_path, A, B, {**A, "path": "/c"}, {**B, "path": "/d", "tls": {"ca_file": "ca.pem"}}
    )
    pools = {path: made.routes[path].pool for path in "abcd"}
    assert pools["a"] is pools["c"]
    assert len(set(pools.values())) == 3
    assert pools["a"].origin.tls is pools["b"].origin.tls
    assert pools["d"].origin.tls is not pools["b"].origin.tls


async def test_what_has_not_changed_is_taken_over(resources: ProcessResources, tmp_path: Path) -> None:
    """Token sources, pools, contexts and routes; nothing that was taken over is left behind."""
    first = await generation(resources, tmp_path, A, B)
    second = await generation(resources, tmp_path, A, {**B, "max_body": 1}, before=first)
    assert second.routes["a"] is first.routes["a"]
    assert second.routes["b"] is not first.routes["b"]
    assert (second.sources, second.pools, second.tls_contexts) == (first.sources, first.pools, first.tls_contexts)
    assert second.in_use.parts == first.in_use.parts


async def test_what_has_gone_is_left(resources: ProcessResources, tmp_path: Path) -> None:
    """Exchanges may be using it still."""
    bounded = {**B, "max_concurrency": 1}
    first = await generation(resources, tmp_path, A, bounded)
    second = await generation(resources, tmp_path, A, before=first)
    assert first.in_use.parts - second.in_use.parts == {first.routes["b"].pool, first.routes["b"].bounds}


@pytest.mark.parametrize("options", [{"via": "other"}, {"upstream_idle_timeout": 1}])
async def test_options_of_the_whole_reach_each_route(
    resources: ProcessResources, tmp_path: Path, options: dict[str, object]
) -> None:
    """Where they are part of it."""
    first = await generation(resources, tmp_path, A)
    second = await generation(resources, tmp_path, A, before=first, **options)
    assert second.routes["a"] is not first.routes["a"]
