"""`make screenshots` makes images from the real console."""

import re
import struct
import zlib
from pathlib import Path

import pytest

from tests.cases import cases
from tests.docs.pages import PAGES, ROOT, read
from tools.screenshots.png import Header, chunk, header, unfiltered, with_palette

LARGEST = 150_000
"Bytes; somebody may read the page on a telephone."
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
SHOWN = [(page, *found) for page in PAGES for found in _IMAGE.findall(read(page))]


@cases("page, text, target", *SHOWN)
def test_each_image_is_a_small_png_with_a_text(page: Path, text: str, target: str) -> None:
    """And the size of a page."""
    file = page.parent / target
    shape = header(file.read_bytes())
    assert 300 <= shape.width <= 2560
    assert 300 <= shape.height <= 1600
    assert file.stat().st_size <= LARGEST
    assert text


def test_each_image_is_shown() -> None:
    """At the README's top, too."""
    named = {(page.parent / target).resolve() for page, _, target in SHOWN}
    assert named == set((ROOT / "docs/images").iterdir())
    assert _IMAGE.search(read(ROOT / "README.md").partition("\n## ")[0])
    assert len([page for page, _, _ in SHOWN if page.name == "console.md"]) == 3


def test_what_is_no_png_is_told() -> None:
    """Also what only begins as one."""
    for image in (b"<html>", b"\x89PNG\r\n\x1a\n" + b"\0" * 30):
        with pytest.raises(ValueError, match="no PNG"):
            header(image)


def test_a_palette_keeps_the_colours() -> None:
    """For any filter; above 256 a rare one becomes a near one."""
    row = bytes([200, 100, 50, 0, 210, 100, 50, 0])
    rows = b"".join(bytes([method]) + row for method in range(5))
    drawn = with_palette(png(2, 5, 6, rows))
    assert header(drawn) == Header(2, 5, 8, 3)
    assert len(set(map(bytes, unfiltered(drawn, 2, 1)))) > 1
    many = b"".join(b"\0" + bytes([each, each // 2, high]) for high in (0, 9) for each in range(200))
    assert len(b"".join(unfiltered(with_palette(png(1, 400, 2, many)), 1, 1))) == 400


def png(width: int, height: int, colour_type: int, rows: bytes) -> bytes:
    """Rows, each after its filter."""
    head = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
