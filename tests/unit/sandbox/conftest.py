"""For both authorization servers."""

import pytest

from proxy.sandbox.authentication import ClientRegistry
from proxy.sandbox.faults import Faults
from proxy.sandbox.grants import GrantContext
from proxy.sandbox.tenant_keys import SigningKey
from proxy.sandbox.tokens import IssuedTokens
from tests.fakes.clock import HandClock
from tests.unit.sandbox.token_requests import CLIENT, NOW


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """Made once, as it takes 100 ms."""
    return SigningKey()


@pytest.fixture
def context(signing_key: SigningKey) -> GrantContext:
    """One OAuth client, no faults, a still clock."""
    return GrantContext(
        url="https://as",
        registry=ClientRegistry([CLIENT]),
        tokens=IssuedTokens(),
        key=signing_key,
        faults=Faults(),
        clock=HandClock(wall=NOW),
    )
