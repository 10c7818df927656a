"""The token source with everything real."""

import asyncio
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.clock import SystemClock
from proxy.config.model import AuthMethod
from proxy.oauth.credentials import with_secrets
from proxy.oauth.endpoint import TokenEndpoint
from proxy.oauth.source import token_source
from tests.fakes.authorization_server import AuthorizationServer, Fault, granted
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import Lines


async def test_with_production_seams_it_gets_a_token_from_a_real_server(tmp_path: Path) -> None:
    """Endpoint, loop timer, system clock; the secret comes from its file."""
    (tmp_path / "secret").write_text("fr0m file+\n")
    async with AuthorizationServer(granted("real")) as server, TokenEndpoint(environ={}) as endpoint:
        client = registration(token_url=server.url, client_secret=None, client_secret_file=tmp_path / "secret")
        client = await asyncio.to_thread(with_secrets, client)
        source = token_source(client, endpoint, SystemClock(), Lines())
        assert (await source.token()).authorization == b"Bearer real"
        await source.close()
    assert server.requests[0].form["client_secret"] == "fr0m file+"


async def test_a_real_server_that_is_failing_is_asked_again(tmp_path: Path) -> None:
    """A key on disk signs; the hung-up connection is retried on the loop's own timer."""
    pem = _p256_pem()
    (tmp_path / "key.pem").write_text(pem)
    async with AuthorizationServer(Fault.HANG_UP, granted("real")) as server, TokenEndpoint(environ={}) as endpoint:
        client = registration(
            token_url=server.url,
            token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
            private_key_file=tmp_path / "key.pem",
        )
        client = await asyncio.to_thread(with_secrets, client)
        source = token_source(client, endpoint, SystemClock(), Lines())
        assert (await source.token()).authorization == b"Bearer real"
        await source.close()
    assertions = [each.form["client_assertion"] for each in server.requests]
    assert len(set(assertions)) == 2


def test_importing_the_source_loads_neither_aiohttp_nor_cryptography() -> None:
    """Start-up time is for the network."""
    probe = "import sys, proxy.oauth.source; print(*({'aiohttp', 'jwt', 'cryptography'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def _p256_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
