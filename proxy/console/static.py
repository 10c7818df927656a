"""The files of the pages: all that the package has when the console is made. A request names one exactly."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

TYPES: Final = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


class StaticFile(NamedTuple):
    """A file of the pages."""

    path: str
    "Below `/console/`; empty for the page itself."
    media_type: str
    content: bytes


def static_files(root: Traversable | None = None) -> list[StaticFile]:
    """Returns the files. Reads them, so call it before the event loop runs."""
    folder = root or files("proxy.console").joinpath("static")
    return list(_below(folder, "")) if folder.is_dir() else []


def _below(folder: Traversable, prefix: str) -> Iterator[StaticFile]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        path, media_type = prefix + each.name, TYPES.get(each.name.rpartition(".")[2])
        if each.is_dir():
            yield from _below(each, f"{path}/")
        elif media_type is not None:
            yield StaticFile("" if path == "index.html" else path, media_type, each.read_bytes())
