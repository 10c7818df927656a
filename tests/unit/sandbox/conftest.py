"""What the tests of both authorization servers need."""

import pytest

from proxy.sandbox.tokens import SigningKey


class FixedClock:
    """A clock that stands still."""

    now = 1_000_000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self.now


@pytest.fixture
def clock() -> FixedClock:
    """A clock for one test."""
    return FixedClock()


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """Making one takes a tenth of a second."""
    return SigningKey()
