"""The embedded proxy sends messages as any sender's, and returns their records."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.config.inbound_auth import ApiKey, InboundAuth
from proxy.config.load import load
from proxy.config.model import Configuration, RouteSettings
from proxy.sandbox.tenant import Tenant
from proxy.trial.embedded_proxy import embedded_proxy, without_inbound_auth
from proxy.trial.message import compose
from tests.system.cli import CONFIGURATION, configure


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    """A tenant."""
    async with Tenant() as started:
        yield started


@pytest.fixture
async def configuration(tenant: Tenant, tmp_path: Path) -> Configuration:
    """A configuration for the tenant that allows other senders two connections."""
    file = await configure(tenant, tmp_path, CONFIGURATION + "limits: {{max_connections: 2}}\n")
    return await asyncio.to_thread(load, file, {})


@pytest.mark.parametrize(
    ("where", "headers", "status", "code"),
    [
        ("orders", [f"X: {'a' * 70000}"], 431, "head_too_large"),
        (f"/orders/{'a' * 70000}", [], 414, "target_too_long"),
        ("orders", [f"X-{number}: x" for number in range(150)], 431, "head_too_large"),
    ],
    ids=["large head", "long target", "many fields"],
)
async def test_a_request_that_is_refused_early_has_a_record(
    configuration: Configuration, where: str, headers: list[str], status: int, code: str
) -> None:
    """It never becomes an exchange, and `send` returns all the same."""
    message = compose(where, configuration, b"", headers, "POST")
    async with embedded_proxy(configuration, {}) as proxy:
        record = (await proxy.send(message)).record
    assert record.status == status
    assert record.code == code
    assert record.made_by == "proxy"


async def test_connections_of_its_sender_are_not_limited(configuration: Configuration, tenant: Tenant) -> None:
    """`max_connections` is for other senders."""
    message = compose("invoices", configuration, b"<a/>", [], "POST")
    async with embedded_proxy(configuration, {}) as proxy:
        sent = await asyncio.gather(*(proxy.send(message) for _ in range(20)))
    assert {each.record.status for each in sent} == {200}
    assert tenant.runs() == {"/invoices": 20}


def test_its_sender_needs_no_credential() -> None:
    """The route has no `inbound_auth`, but still drops the field of the API key."""
    route = RouteSettings(
        name="a", path="/a", upstream="https://up.example.com", oauth_client="c", drop_fields=("X-Own",)
    )
    auth = InboundAuth(api_key=ApiKey(keys_file=Path("keys")))
    expected = route.model_copy(update={"drop_fields": ("X-Own", "X-API-Key")})
    assert without_inbound_auth(route.model_copy(update={"inbound_auth": auth})) == expected
