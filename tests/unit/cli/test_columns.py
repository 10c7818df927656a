"""Rows fit the terminal; in a pipe nothing is broken."""

import pytest

from proxy.cli.columns import columns, wrapped
from tests.cases import cases

TEXT = "one two-three four"


@cases(
    "indent, width, rows",
    (2, 12, "one\n  two-three\n  four"),
    (0, 18, TEXT),
    (0, 5, "one\ntwo-three\nfour"),
    (2, 0, TEXT),
    (9, 9, TEXT),
)
def test_text_is_broken_between_words(indent: int, width: int, rows: str) -> None:
    """A long word stays whole."""
    assert wrapped(TEXT, indent=indent, width=width) == rows


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS counts, as for other programs."""
    monkeypatch.setenv("COLUMNS", "12")
    assert columns() == 12
    assert wrapped(TEXT, indent=2) == "one\n  two-three\n  four"
