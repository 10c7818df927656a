"""Tables of cases: a test runs once for each row."""

from collections.abc import Mapping
from typing import Any

import pytest


def cases(names: str, *rows: Any) -> pytest.MarkDecorator:
    """Run a test with the values of each row; with one name a row is the value itself.

    Rows that have names of their own are given as one mapping.
    """
    if len(rows) == 1 and isinstance(rows[0], Mapping):
        return pytest.mark.parametrize(names, list(rows[0].values()), ids=list(rows[0]))
    return pytest.mark.parametrize(names, rows)


def grouped_cases(names: str, *groups: tuple[Any, ...]) -> pytest.MarkDecorator:
    """Run a test with each value of the list at the end of a group, behind the group's other values."""
    return pytest.mark.parametrize(names, [(*group[:-1], value) for group in groups for value in group[-1]])
