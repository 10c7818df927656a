"""What the tests of proxy.server share."""

import pytest

from tests.fakes.loop import both_loops
from tests.unit.server.memory_server import MemoryServer, Wire

pytest_asyncio_loop_factories = both_loops


@pytest.fixture
def server() -> MemoryServer:
    """A server in memory."""
    return MemoryServer()


@pytest.fixture
def wire(server: MemoryServer) -> Wire:
    """A connection to it."""
    return server.connect()
