"""Fixtures of the tests of proxy.oauth."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from proxy.oauth.endpoint import GrantSession


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The authority of the tests' certificates."""
    return trustme.CA()


@pytest.fixture
async def session() -> AsyncIterator[GrantSession]:
    """A session without a corporate proxy."""
    async with GrantSession(environ={}) as made:
        yield made


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Write the authority's certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """The server's context, which accepts a client certificate and does not require one."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context
