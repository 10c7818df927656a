"""The pages' files are a fixed list."""

from pathlib import Path

from proxy.console.static import StaticFile, static_files


def test_files_of_known_kinds_are_served_by_their_path(tmp_path: Path) -> None:
    """Nothing else is."""
    (tmp_path / "vendor").mkdir()
    for name in (
        "index.html",
        "main.js",
        "base.css",
        "icon.svg",
        "types.d.ts",
        "LICENSE",
        "vendor/a.js",
        "vendor/a.json",
    ):
        (tmp_path / name).write_text(name)
    assert static_files(tmp_path) == [
        StaticFile("base.css", "text/css", b"base.css"),
        StaticFile("icon.svg", "image/svg+xml", b"icon.svg"),
        StaticFile("", "text/html", b"index.html"),
        StaticFile("main.js", "text/javascript", b"main.js"),
        StaticFile("vendor/a.js", "text/javascript", b"vendor/a.js"),
    ]


def test_without_the_folder_there_are_none(tmp_path: Path) -> None:
    """The API works."""
    assert static_files(tmp_path / "none") == []


def test_the_package_can_be_asked() -> None:
    """All files have known types."""
    assert {each.media_type for each in static_files()} <= {"text/html", "text/javascript", "text/css", "image/svg+xml"}
