"""The token endpoint or the upstream goes away under load, or a secret changes: no message is lost or comes twice."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.cases import cases
from tests.fakes.tenant import PATIENCE, CountingUpstream, TokenEndpoint
from tests.system.command import Proxy, document
from tests.system.load import Load


@pytest.fixture
async def endpoint() -> AsyncIterator[TokenEndpoint]:
    """Grants tokens for `first`."""
    async with TokenEndpoint("first") as started:
        yield started


@pytest.fixture
async def upstream(endpoint: TokenEndpoint) -> AsyncIterator[CountingUpstream]:
    """Where messages arrive."""
    async with CountingUpstream(endpoint) as started:
        yield started


@pytest.fixture
async def proxy(endpoint: TokenEndpoint, upstream: CountingUpstream, tmp_path: Path) -> AsyncIterator[Proxy]:
    """One route; the secret is in a file, and is `first`."""
    secret(tmp_path, "first")
    client = {"token_url": endpoint.url, "client_id": "id", "client_secret_file": "secret"}
    path = tmp_path / "proxy.yaml"
    path.write_text(yaml.safe_dump(document(upstream.url, endpoint.url, oauth_clients={"orders": client})))
    async with Proxy(path) as started:
        yield started


def secret(folder: Path, content: str) -> None:
    """Let this be the secret from now on."""
    fresh = folder / "fresh"
    fresh.write_text(content)
    fresh.chmod(0o600)
    fresh.rename(folder / "secret")


@cases("hangs", {"refuses": False, "hangs": True})
async def test_a_live_token_outlasts_its_endpoint(
    endpoint: TokenEndpoint, upstream: CountingUpstream, proxy: Proxy, tmp_path: Path, *, hangs: bool
) -> None:
    """While a grant is wanted and cannot be had."""
    endpoint.secrets = {"first", "second"}
    load = Load(proxy.port)
    async with load.running():
        await load.goes_on()
        await endpoint.goes_away()
        endpoint.hangs = hangs
        if hangs:
            await endpoint.comes_back()
        secret(tmp_path, "second")
        proxy.send(signal.SIGHUP)
        if hangs:
            await endpoint.asked(1)
        else:
            await proxy.logs("token.grant_failed")
        await load.goes_on()
        assert not endpoint.granted["second"]
        await endpoint.goes_away()
        endpoint.hangs = False
        await endpoint.comes_back()
        secret(tmp_path, "first")
        proxy.send(signal.SIGHUP)
        await endpoint.grants("first", 2)
        await load.goes_on()
    load.check(upstream.arrived)


async def test_a_secret_is_replaced_and_the_old_one_refused(
    endpoint: TokenEndpoint, upstream: CountingUpstream, proxy: Proxy, tmp_path: Path
) -> None:
    """The file alone tells of it."""
    endpoint.lifetimes["id"] = 4
    load = Load(proxy.port, pause=0.02)  # it takes seconds until the file is read and the token renewed
    async with load.running():
        await load.goes_on()
        endpoint.secrets = {"first", "second"}
        secret(tmp_path, "second")
        await endpoint.grants("second", 1)
        endpoint.secrets = {"second"}
        await endpoint.grants("second", 2)
        await load.goes_on()
    load.check(upstream.arrived)
    assert not endpoint.refused


async def test_an_upstream_that_restarts_is_told_of_honestly(upstream: CountingUpstream, proxy: Proxy) -> None:
    """What it had taken gets a 502 and is not sent again."""
    load = Load(proxy.port)
    async with load.running():
        await load.goes_on()
        upstream.takes = PATIENCE
        await upstream.takes_one()
        upstream.takes = 0
        await upstream.cuts()
        await load.goes_on()
        told = load.outcomes[502]
        await upstream.goes_away()
        await load.meets(502, told + 100)
        await upstream.comes_back()
        await load.meets(200, len(load.accepted) + 100)
    assert load.outcomes.keys() == {200, 502}
    assert load.outcomes.total() == load.sent
    assert set(upstream.arrived.values()) == {1}
    assert not load.accepted - upstream.arrived.keys()
    assert upstream.arrived.keys() - load.accepted
