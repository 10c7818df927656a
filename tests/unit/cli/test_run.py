"""The start line of `run`."""

import pytest

from proxy.cli.run import listed


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2 and 1 more"), (1000, "0, 1, 2 and 997 more")],
)
def test_a_long_list_of_routes_is_cut(count: int, text: str) -> None:
    """The first routes are listed, the others counted."""
    assert listed([str(number) for number in range(count)], most=3) == text
