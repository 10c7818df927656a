"""What all tests share."""

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx


@pytest.fixture(autouse=True)
def _no_blocking_calls() -> Iterator[None]:
    """Fail a test whose event loop runs into a blocking call of ours."""
    with blockbuster_ctx("proxy"):
        yield
