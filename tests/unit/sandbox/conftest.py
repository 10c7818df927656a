"""Parts of both authorization servers."""

import pytest

from proxy.sandbox.keys import SigningKey
from tests.fakes.clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    """Stands still."""
    return HandClock(wall=1_000_000)


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """One for all tests, because making a key takes 100 ms."""
    return SigningKey()
