"""Rows of tables, in the form that documents take."""

import statistics
import sys
from collections.abc import Iterable, Sequence


def say(text: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def heading(*columns: str, words: int) -> str:
    """The first two lines; the first so many columns hold words, the others numbers."""
    rule = "|---" * words + "|---:" * (len(columns) - words)
    return f"{row(columns)}\n{rule}|"


def row(cells: Iterable[str]) -> str:
    """One line."""
    return f"| {' | '.join(cells)} |"


def spread(ratios: Sequence[float]) -> str:
    """The median, and the range."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def held(ratios: Sequence[float], limit: float) -> str:
    """A limit, and whether the median is within it."""
    return f"{limit:.2f} {'held' if statistics.median(ratios) <= limit else 'MISSED'}"
