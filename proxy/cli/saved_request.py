"""Requests of a collection, as options of `send`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from proxy.observe.log_format import printable
from proxy.trial.collection import BodyPath, Collection, find, resolved
from proxy.trial.http_file import parse_http
from proxy.trial.postman import parse_postman

HTTP_FILES = (".http", ".rest")


class Wanted(NamedTuple):
    """What to send and where to; a collection's request may say a part of it."""

    where: str
    method: str
    headers: Sequence[str]
    content: bytes | Path | None = None


def read_collection(path: Path) -> Collection:
    """Reads a Postman collection or an `.http` file; ValueError if it is neither, OSError if it cannot be read."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8.") from None
    is_http = path.suffix.lower() in HTTP_FILES or not text.lstrip().startswith("{")
    try:
        collection = parse_http(text) if is_http and path.suffix.lower() != ".json" else parse_postman(text)
    except ValueError as error:
        raise ValueError(f"{path} {error}.") from None
    if not collection:
        raise ValueError(f"{path} contains no request.")
    return collection


def listing(collection: Collection) -> str:
    """Returns the names of the requests, with method and URL."""
    width = max(len(each.name) for each in collection)
    return "\n".join(printable(f"{each.name:<{width}}  {each.method} {each.url}") for each in collection)


def saved(path: Path, name: str, variables: Sequence[str], options: Wanted) -> Wanted:
    """Returns what to send; the options override the request. ValueError or OSError if there is no such request."""
    collection = read_collection(path)
    try:
        request = resolved(find(collection, name), given(variables), os.environ)
    except ValueError as error:
        raise ValueError(f"{path}: {error}.") from None
    overridden = {header.partition(":")[0].strip().lower() for header in options.headers}
    fields = (f"{field}: {value}" for field, value in request.fields if field.lower() not in overridden)
    content = path.parent / request.body.path if isinstance(request.body, BodyPath) else (request.body or "").encode()
    return Wanted(
        where=options.where or request.url,
        method=options.method or request.method,
        headers=[*options.headers, *fields],
        content=content or None,
    )


def given(variables: Sequence[str]) -> dict[str, str]:
    """Returns the values of `--var` options; ValueError if one has no equals sign."""
    pairs = [text.partition("=") for text in variables]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ValueError(f"--var {name}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}
