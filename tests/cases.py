"""Tables of cases: a test runs once for each row."""

from collections.abc import Mapping
from typing import Any

import pytest


def cases(names: str, *rows: Any) -> pytest.MarkDecorator:
    """Run a test with the values of each row; with one name a row is the value itself."""
    return pytest.mark.parametrize(names, rows)


def named_cases(names: str, rows: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Run a test with the values of each row, which has a name of its own."""
    return pytest.mark.parametrize(names, list(rows.values()), ids=list(rows))
