"""What `run` says."""

import pytest

from proxy.cli.run import listed


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2 and 1 more"), (1000, "0, 1, 2 and 997 more")],
)
def test_a_thousand_routes_make_no_endless_line(count: int, text: str) -> None:
    """The first ones are named, the others counted."""
    assert listed([str(number) for number in range(count)], most=3) == text
