"""A sandbox and a proxy in front of it, each as a process of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession

from tests.system.command import Proxy, Sandbox


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A running sandbox, whose files are in `sandbox` below the test's folder."""
    async with Sandbox(tmp_path / "sandbox") as started:
        yield started


@pytest.fixture
def configuration(sandbox: Sandbox, tmp_path: Path) -> Path:
    """As config/sandbox.yaml, but for the ports: `/http` as the Neo client, `/btp` as the BTP client."""
    tls = {"ca_file": "sandbox/ca.pem"}
    neo = {
        "provider": "neo",
        "token_url": sandbox.urls["neo_token_url"],
        "client_id": "sandbox-neo-client",
        "client_secret_file": "sandbox/neo-secret",
        "tls": tls,
    }
    shared = {"tls": tls, "max_body": "200MiB"}
    document = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "oauth_clients": {
            "orders": neo,
            "invoices": {"service_key_file": "sandbox/service-key.json", "tls": tls},
        },
        "routes": [
            {"path": "/http", "upstream": f"{sandbox.urls['runtime_url']}/http", "oauth_client": "orders", **shared},
            {"path": "/btp", "upstream": "/http", "oauth_client": "invoices", **shared},
        ],
    }
    path = tmp_path / "proxy.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
async def proxy(configuration: Path) -> AsyncIterator[Proxy]:
    """A running proxy in front of the sandbox."""
    async with Proxy(configuration) as started:
        yield started


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[ClientSession]:
    """Asks the sandbox what happened; paths are below its control address."""
    async with ClientSession(sandbox.urls["control_url"]) as session:
        yield session
