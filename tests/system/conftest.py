"""A stand-in tenant in the test's process, and a proxy in front of it as a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession

from proxy.sandbox.tenant import Tenant
from tests.system.cli import configure
from tests.system.command import Proxy


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    """A running tenant, whose files are in `sandbox` below the test's folder."""
    async with Tenant() as started:
        await asyncio.to_thread(started.write, tmp_path / "sandbox")
        yield started


@pytest.fixture
def configuration(tenant: Tenant, tmp_path: Path) -> Path:
    """As config/sandbox.yaml, but for the ports."""
    tls = {"ca_file": "sandbox/ca.pem"}
    neo = {
        "provider": "neo",
        "token_url": tenant.neo_token_url,
        "client_id": "sandbox-neo-client",
        "client_secret_file": "sandbox/neo-secret",
        "tls": tls,
    }
    shared = {"tls": tls, "max_body": "200MiB"}
    document = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "oauth_clients": {"orders": neo, "invoices": {"service_key_file": "sandbox/service-key.json", "tls": tls}},
        "routes": [
            {"path": "/http", "upstream": f"{tenant.runtime_url}/http", "oauth_client": "orders", **shared},
            {"path": "/btp", "upstream": "/http", "oauth_client": "invoices", **shared},
        ],
    }
    path = tmp_path / "proxy.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
async def file(tenant: Tenant, tmp_path: Path) -> Path:
    """The configuration of tests/system/cli.py, with two flows of the tenant."""
    return await configure(tenant, tmp_path)


@pytest.fixture
async def proxy(configuration: Path) -> AsyncIterator[Proxy]:
    """A running proxy in front of the tenant."""
    async with Proxy(configuration) as started:
        yield started


@pytest.fixture
async def control(tenant: Tenant) -> AsyncIterator[ClientSession]:
    """Asks the tenant what happened; paths are below its control address."""
    async with ClientSession(tenant.control_url) as session:
        yield session
