"""The resolved values."""

import pytest
from pydantic import ValidationError

from proxy.config.model import Log, Route


def test_the_configuration_is_frozen() -> None:
    """What was read once is not changed."""
    with pytest.raises(ValidationError, match="frozen"):
        Log().sample = 0.5  # type: ignore[misc]


def test_a_route_s_slashes_at_the_end_do_not_count_wherever_it_is_built() -> None:
    """The root is empty, so that the prefix and what follows it are the path."""
    route = Route(name="root", path="/", upstream="https://up.example.com/", oauth_client="a")
    assert (route.path, route.upstream) == ("", "https://up.example.com")
