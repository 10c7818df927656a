"""The README is short, and leads on."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.cases import cases
from tests.docs.diagnoses import all_diagnoses, own_answers
from tests.docs.pages import PAGES, ROOT, blocks, links, prose, read, table, words

README = ROOT / "README.md"
INDEX = ROOT / "docs" / "README.md"
MOST_WORDS = 1300
MOST_COLUMNS = 100


def test_it_is_read_in_a_few_minutes() -> None:
    """By words between spaces."""
    assert len(read(README).split()) <= MOST_WORDS


@cases("page", {"readme": README, "commands": ROOT / "docs" / "commands.md"})
def test_command_lines_fit_a_terminal(page: Path) -> None:
    """And those behind `$`."""
    lines = [
        line
        for block in blocks(page)
        for line in block.text.splitlines()
        if block.language == "sh" or line.startswith("$ ")
    ]
    assert lines
    assert [line for line in lines if len(line) > MOST_COLUMNS] == []


def test_the_transcript_is_short() -> None:
    """15 lines."""
    (transcript,) = blocks(README, "console")
    assert transcript.text.count("\n") <= 15


def test_failures_have_their_own_names() -> None:
    """As in the source."""
    known = {each.code for each in own_answers()}
    rows = table(README, "When it fails")
    assert len(rows) == 5
    named = {word for row in rows for word in words(" ".join(row)) if re.fullmatch(r"[a-z]+_[a-z_]+", word)}
    assert named
    assert named <= known | set(all_diagnoses())


def test_it_leads_to_the_index_and_the_index_to_each_page() -> None:
    """Of docs."""
    assert "docs/README.md" in links(README)
    linked = {urlsplit(link).path for link in links(INDEX)}
    assert {page.name for page in PAGES if page.parent == ROOT / "docs"} - {"README.md"} <= linked


def test_it_says_whose_it_is_not() -> None:
    """No product of SAP."""
    assert "not affiliated with SAP" in prose(README)
