"""What the tests of proxy.server share."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.unit.server.memory_server import MemoryServer, Wire


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Their transports tell of ended connections differently."""
    del config, item
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def server() -> MemoryServer:
    """A server in memory."""
    return MemoryServer()


@pytest.fixture
def wire(server: MemoryServer) -> Wire:
    """A connection to it."""
    return server.connect()
