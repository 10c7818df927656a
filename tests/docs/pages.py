"""The documents as what they are made of: prose, blocks of code, headings, links, tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for folder in (ROOT, ROOT / "docs", ROOT / "deploy") for page in folder.glob("*.md"))

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]*)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def read(page: Path) -> str:
    """Its text."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str = "") -> Iterator[Block]:
    """Its fenced blocks, all or those in one language."""
    text = read(page)
    for found in _FENCED.finditer(text):
        if language in ("", found[2]):
            yield Block(page, text.count("\n", 0, found.start()) + 1, found[2], found[3])


def prose(page: Path) -> str:
    """Its text without fenced blocks."""
    return _FENCED.sub("", read(page))


def links(page: Path) -> Iterator[str]:
    """Where it points to."""
    yield from _LINK.findall(re.sub(r"`[^`\n]*`", "``", prose(page)))


def anchor(heading: str) -> str:
    """What a heading is reached by, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> list[str]:
    """All that links can name behind `#`."""
    return [anchor(re.sub(r"\]\([^)]*\)", "]", heading)) for heading in _HEADING.findall(prose(page))]


def table(page: Path, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    _, found, rest = read(page).partition(f"# {heading}\n")
    assert found, f"{page.name} has no heading {heading}"
    lines = rest.split("\n|", 1)[1].split("\n\n", 1)[0].splitlines()
    return [cells(line) for line in lines[2:]]


def cells(row: str) -> list[str]:
    """Of a line of a table; a bar that is escaped is a bar."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def words(text: str) -> list[str]:
    """What stands there as code."""
    return re.findall(r"`([^`\n]+)`", text)
