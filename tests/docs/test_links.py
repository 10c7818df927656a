"""Links lead somewhere."""

from pathlib import Path
from urllib.parse import urlsplit

from tests.docs.pages import anchors, each_page, links


def wrong(page: Path, link: str) -> str:
    """Nothing if it is right; on other servers only the form counts."""
    parts = urlsplit(link)
    if parts.scheme:
        return "" if parts.scheme == "https" and parts.hostname and "." in parts.hostname else "is no https URL"
    target = page.parent / parts.path if parts.path else page
    if not target.exists():
        return "leads to no file"
    if parts.fragment and parts.fragment not in anchors(target):
        return f"names no heading of {target.name}"
    return ""


@each_page
def test_each_link_leads_somewhere(page: Path) -> None:
    """A file, or its heading."""
    assert {link: found for link in links(page) if (found := wrong(page, link))} == {}


@each_page
def test_no_heading_stands_twice(page: Path) -> None:
    """A link would reach the first."""
    if page.name != "CHANGELOG.md":
        assert len(set(anchors(page))) == len(anchors(page))


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """Missing file or heading, malformed URL."""
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    page.write_text(
        "# One `two`, three\n[a](other.md) [b[]](other.md#more_or-less) [c](#one-two-three) [d](https://x.y/z)\n"
    )
    other.write_text("## More_or less\n```sh\n# no heading\n```\n")
    found = {link: wrong(page, link) for link in links(page)}
    assert set(found) == {"other.md", "other.md#more_or-less", "#one-two-three", "https://x.y/z"}
    assert set(found.values()) == {""}
    assert wrong(page, "other.md#no-heading") == "names no heading of other.md"
    assert wrong(page, "#more_or-less") == "names no heading of page.md"
    assert wrong(page, "another.md") == "leads to no file"
    assert wrong(page, "http://x.y/z") == "is no https URL"
