"""Breaks what a command prints into rows that fit the terminal; in a pipe nothing is broken."""

import shutil
import textwrap

import click


def columns() -> int:
    """Returns the width of the terminal, or COLUMNS; 0 in a pipe."""
    return shutil.get_terminal_size((0, 0)).columns


def wrapped(text: str, *, indent: int = 0, width: int | None = None) -> str:
    """Breaks the text between words only, with further rows indented; a word that is too long stays whole.

    The first row has something else in front, as wide as the indent. `width` is by default the terminal's.
    """
    room = (columns() if width is None else width) - indent
    if room <= 0:
        return text
    rows = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return ("\n" + " " * indent).join(rows)


def counted(count: int, noun: str) -> str:
    """Returns `1 byte`, `2 bytes`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def tell(text: str) -> None:
    """Prints a sentence, or several in lines, on standard error."""
    click.echo("\n".join(map(wrapped, text.split("\n"))), err=True)
