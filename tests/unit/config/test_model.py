"""The resolved values."""

import pytest
from pydantic import ValidationError

from proxy.config.model import LogSettings


def test_the_configuration_is_frozen() -> None:
    """What was read once is not changed."""
    with pytest.raises(ValidationError, match="frozen"):
        LogSettings().sample = 0.5  # type: ignore[misc]
