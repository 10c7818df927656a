"""What the tests of proxy.upstream share."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import trustme
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Their transports tell of ended connections differently."""
    del config, item
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


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
