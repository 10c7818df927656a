"""The token source with its production seams."""

import asyncio
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.clock import SystemClock
from proxy.config.model import AuthMethod, OAuthClient
from proxy.oauth.credentials import with_secrets
from proxy.oauth.endpoint import GrantSession
from proxy.oauth.grant_runner import GrantRunner
from proxy.oauth.source import TokenSource
from tests.fakes.authorization_server import AuthorizationServer, Fault, granted
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import Lines


def source_of(client: OAuthClient, session: GrantSession) -> TokenSource:
    """Make a source as the composition root does."""
    client, clock = with_secrets(client), SystemClock()
    return TokenSource(client, GrantRunner(client, session.endpoint(client), clock=clock), clock=clock, log=Lines())


async def test_a_token_comes_from_a_real_server(tmp_path: Path) -> None:
    """The secret is in a file."""
    (tmp_path / "secret").write_text("fr0m file+\n")
    async with AuthorizationServer(granted("real")) as server, GrantSession(environ={}) as session:
        client = registration(token_url=server.url, client_secret=None, client_secret_file=tmp_path / "secret")
        source = await asyncio.to_thread(source_of, client, session)
        assert (await source.token()).authorization == b"Bearer real"
        await source.close()
    assert server.requests[0].form["client_secret"] == "fr0m file+"


async def test_a_real_server_that_fails_is_asked_again(tmp_path: Path) -> None:
    """With a new assertion."""
    pem = _p256_pem()
    (tmp_path / "key.pem").write_text(pem)
    async with AuthorizationServer(Fault.HANG_UP, granted("real")) as server, GrantSession(environ={}) as session:
        client = registration(
            token_url=server.url,
            token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
            private_key_file=tmp_path / "key.pem",
        )
        source = await asyncio.to_thread(source_of, client, session)
        assert (await source.token()).authorization == b"Bearer real"
        await source.close()
    assertions = [each.form["client_assertion"] for each in server.requests]
    assert len(set(assertions)) == 2


def test_importing_the_source_loads_neither_aiohttp_nor_cryptography() -> None:
    """They would slow down each start."""
    probe = "import sys, proxy.oauth.source; print(*({'aiohttp', 'jwt', 'cryptography'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def _p256_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
