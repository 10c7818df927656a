"""Saved requests of other tools: how one is found by name, and how its variables get values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import punctuation
from urllib.parse import quote

_VARIABLE = re.compile(r"\{\{\s*(\$?[\w.-]+)([ \t][^{}]*)?\}\}")
LONGEST = 16 << 20
"Characters of a text whose variables have values."
_KEPT = "".join(set(punctuation) - set('"<>\\^`{|}#'))
"Punctuation that a URL may contain as it is; a percent sign is part of an escape."
_DROPPED = frozenset(
    {"authorization", "proxy-authorization", "connection", "content-length", "transfer-encoding", "x-request-id"}
)
"Fields, in lower case, that the proxy or the command sets itself."


@dataclass(frozen=True, slots=True)
class BodyPath:
    """A body in a file of its own; a relative path starts at the collection's folder."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRequest:
    """One request. Its texts may contain variables, like `{{base}}`."""

    name: str
    "With its folders in front, like `Orders/Create`."
    method: str
    url: str
    fields: tuple[tuple[str, str], ...] = ()
    body: str | BodyPath | None = None
    "None if the request says nothing about a body."
    variables: Mapping[str, str] = field(default_factory=dict)
    "Those of its collection and folders; an inner folder's replace an outer one's."


Collection = tuple[SavedRequest, ...]


def find(collection: Collection, name: str) -> SavedRequest:
    """Returns the request with this name, with or without its folders; ValueError if there is not exactly one."""
    found = [each for each in collection if each.name == name]
    found = found or [each for each in collection if each.name.endswith(f"/{name}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"several requests are called {name}: {', '.join(each.name for each in found)}")
    raise ValueError(f"there is no request {name}; the requests are {', '.join(each.name for each in collection)}")


def resolved(request: SavedRequest, given: Mapping[str, str], environ: Mapping[str, str]) -> SavedRequest:
    """Returns the request with the variables' values, ready to send; ValueError names a variable without one.

    A value is looked up in `given`, then in the collection, then in the environment. The request's own authorization
    is left out, because the proxy adds its token.
    """
    known = {**request.variables, **given}
    body = request.body
    if isinstance(body, BodyPath):
        body = BodyPath(filled(body.path, known, environ))
    elif body is not None:
        body = filled(body, known, environ)
    url = sendable(filled(request.url, known, environ))
    dropped = _DROPPED if url.startswith("/") else _DROPPED | {"host"}
    fields = ((filled(name, known, environ), filled(value, known, environ)) for name, value in request.fields)
    return SavedRequest(
        name=request.name,
        method=filled(request.method, known, environ),
        url=url,
        fields=tuple((name, value) for name, value in fields if name.lower() not in dropped),
        body=body,
    )


def filled(
    text: str,
    known: Mapping[str, str],
    environ: Mapping[str, str],
    within: frozenset[str] = frozenset(),
    values: dict[str, str] | None = None,
) -> str:
    """Returns the text with its variables' values. A value in `known` may contain variables, too.

    `values` has what is known already: without it, variables that contain each other twice would take forever.
    """
    known_values, room = {} if values is None else values, LONGEST

    def value(found: re.Match[str]) -> str:
        nonlocal room
        result = value_of(found)
        room -= len(result)
        if room < 0:
            raise ValueError(f"its variables make it longer than {LONGEST} characters")
        return result

    def value_of(found: re.Match[str]) -> str:
        name = found[1] + (found[2] or "").rstrip()
        if name in within:
            raise ValueError(f"the variable {name} contains itself")
        if name in known:
            if name not in known_values:
                known_values[name] = filled(known[name], known, environ, within | {name}, known_values)
            return known_values[name]
        if name in environ:
            return environ[name]
        raise ValueError(f"the variable {name} has no value; give --var '{name}=VALUE'")

    return _VARIABLE.sub(value, text)


def sendable(url: str) -> str:
    """Returns the URL without fragment, and with percent-encoding where it needs it; http:// is the usual scheme."""
    url = quote(url.strip().partition("#")[0], safe=_KEPT)
    return url if url.startswith("/") or "://" in url else f"http://{url}"
