"""Tables of Markdown."""

from collections.abc import Iterable, Sequence

NOTHING = "-"
"A cell with nothing in it."


def made(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(map(_line, [head, ["---"] * len(head), *rows]))


def code(text: str) -> str:
    """As code."""
    return f"`{text}`"


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)  # a bar would end its cell
    return f"| {' | '.join(escaped)} |"
