"""Tables of cases."""

from collections.abc import Mapping

import pytest


def cases(names: str, table: Mapping[str, object]) -> pytest.MarkDecorator:
    """Parametrize a test with the values of each row of a table, whose keys are the ids."""
    return pytest.mark.parametrize(names, list(table.values()), ids=list(table))
