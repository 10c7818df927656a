"""Messages and records of the embedded proxy."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.config.inbound_auth import ApiKey, InboundAuth
from proxy.config.load import load
from proxy.config.model import Configuration, RouteSettings
from proxy.sandbox.tenant import Tenant
from proxy.trial.embedded_proxy import direct, embedded_proxy, without_grant_at_start
from proxy.trial.message import compose
from tests.system.cli import CONFIGURATION, configure
from tests.unit.oauth.registrations import registration


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    """A tenant."""
    async with Tenant() as started:
        yield started


@pytest.fixture
async def configuration(tenant: Tenant, tmp_path: Path) -> Configuration:
    """Of two connections for others."""
    file = await configure(tenant, tmp_path, CONFIGURATION + "limits: {{max_connections: 2}}\n")
    return await asyncio.to_thread(load, file, {})


async def test_requests_that_are_refused_early_have_records(configuration: Configuration) -> None:
    """Each its own."""
    large = compose("orders", configuration, b"", [f"X: {'a' * 70000}"], "POST")
    long = compose(f"/orders/{'a' * 70000}", configuration, b"", [], "POST")
    many = compose("orders", configuration, b"", [f"X-{number}: x" for number in range(150)], "POST")
    async with embedded_proxy(configuration, {}) as proxy:
        sent = await asyncio.gather(*map(proxy.send, (large, long, many)))
    records = [each.record for each in sent]
    assert [each.status for each in records] == [431, 414, 431]
    assert [each.code for each in records] == ["head_too_large", "target_too_long", "head_too_large"]
    assert {each.made_by for each in records} == {"proxy"}


async def test_connections_of_its_sender_are_not_limited(configuration: Configuration, tenant: Tenant) -> None:
    """Others' `max_connections` are."""
    message = compose("invoices", configuration, b"<a/>", [], "POST")
    async with embedded_proxy(configuration, {}) as proxy:
        sent = await asyncio.gather(*(proxy.send(message) for _ in range(20)))
    assert {each.record.status for each in sent} == {200}
    assert tenant.runs() == {"/invoices": 20}


async def test_its_token_is_in_its_own_folder(configuration: Configuration, tmp_path: Path) -> None:
    """Not with running proxies'."""
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "RUNTIME_DIRECTORY": str(tmp_path)}
    before = sorted(tmp_path.iterdir())
    async with embedded_proxy(configuration, environ):
        assert sorted(tmp_path.iterdir()) == before


def test_its_sender_needs_no_credential() -> None:
    """The API key is still dropped."""
    route = RouteSettings(
        name="a", path="/a", upstream="https://up.example.com", oauth_client="c", drop_fields=("X-Own",)
    )
    auth = InboundAuth(api_key=ApiKey(keys_file=Path("keys")))
    expected = route.model_copy(update={"drop_fields": ("X-Own", "X-API-Key")})
    assert direct(route.model_copy(update={"inbound_auth": auth})) == expected


def test_its_oauth_clients_wait_for_the_message() -> None:
    """By their route."""
    assert without_grant_at_start(registration(grant_at_start=True)) == registration()
