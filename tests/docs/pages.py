"""Documents in parts: prose, blocks, headings, links, tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for folder in (ROOT, ROOT / "docs", ROOT / "deploy") for page in folder.glob("*.md"))
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]*)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """Fenced."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def read(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str = "") -> Iterator[Block]:
    """In a language, or all."""
    text = read(page)
    for found in _FENCED.finditer(text):
        if language in ("", found[2]):
            yield Block(page, text.count("\n", 0, found.start()) + 1, found[2], found[3])


def prose(page: Path) -> str:
    """Outside of blocks."""
    return _FENCED.sub("", read(page))


def links(page: Path) -> Iterator[str]:
    """Where they lead."""
    yield from _LINK.findall(re.sub(r"`[^`\n]*`", "``", prose(page)))


def anchor(heading: str) -> str:
    """GitHub's, of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> list[str]:
    """What follows `#`."""
    return [anchor(re.sub(r"\]\([^)]*\)", "]", heading)) for heading in _HEADING.findall(prose(page))]


def table(page: Path, heading: str) -> list[list[str]]:
    """The first below a heading, without its head."""
    _, found, rest = read(page).partition(f"# {heading}\n")
    assert found, f"{page.name} has no heading {heading}"
    lines = rest.split("\n|", 1)[1].split("\n\n", 1)[0].splitlines()
    return [cells(line) for line in lines[2:]]


def cells(row: str) -> list[str]:
    """An escaped bar is a bar."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def words(text: str) -> list[str]:
    """What is code."""
    return re.findall(r"`([^`\n]+)`", text)
