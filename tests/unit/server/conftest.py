"""What the tests of proxy.server share."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.unit.server.house import House, Wire


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Both event loops: their transports differ in what they tell about ended connections."""
    del config, item
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def house() -> House:
    """A house."""
    return House()


@pytest.fixture
def wire(house: House) -> Wire:
    """A connection to it."""
    return house.connect()
