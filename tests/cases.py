"""Tables of cases."""

from collections.abc import Mapping, Sequence

import pytest


def cases(names: str, table: Mapping[str, object] | Sequence[object]) -> pytest.MarkDecorator:
    """Parametrize a test with each row of a table; keys are ids."""
    if isinstance(table, Mapping):
        return pytest.mark.parametrize(names, list(table.values()), ids=list(table))
    return pytest.mark.parametrize(names, table)
