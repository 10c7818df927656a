"""What SECURITY.md names is there."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"`((?:proxy|tests)/[\w/]+(?:\.py)?|\w+\.py)`")


def named(text: str) -> Iterator[str]:
    """The files and folders of each cell or line; one without a folder is in the folder of the one before it."""
    for cell in re.split(r"[|\n]", text):
        folder = PurePosixPath("none")
        for name in _NAME.findall(cell):
            path = PurePosixPath(name) if "/" in name else folder / name
            folder = path.parent
            yield str(path)


def test_a_name_without_a_folder_is_in_that_of_the_one_before() -> None:
    """Within a cell."""
    text = "| x: `proxy/a/b.py`, `c.py`, `tests/d`, `e` | `f.py` and `allow`\n"
    assert list(named(text)) == ["proxy/a/b.py", "proxy/a/c.py", "tests/d", "none/f.py"]


def test_each_file_that_security_names_exists() -> None:
    """Of the source, and of the tests."""
    names = list(named((ROOT / "SECURITY.md").read_text()))
    assert len(names) > 100
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_each_try_of_a_hostile_sender_is_named() -> None:
    """No file of theirs is forgotten."""
    names = set(named((ROOT / "SECURITY.md").read_text()))
    files = (ROOT / "tests/flow/hostile_sender").glob("test_*.py")
    assert {str(path.relative_to(ROOT)) for path in files} <= names
