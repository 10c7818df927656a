"""What the tests of proxy.upstream share."""

from pathlib import Path

import pytest
import trustme

from tests.fakes.loop import both_loops

pytest_asyncio_loop_factories = both_loops


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Issues certificates."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path
