"""Reads a Postman collection (v2.1): requests in folders, with variables. Scripts and authorization are ignored."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from proxy.syntax import values_of
from proxy.trial.collection import BodyPath, Collection, SavedRequest

_LANGUAGES = {
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
    "javascript": "application/javascript",
    "text": "text/plain; charset=utf-8",
}
"Media types by the language of a raw body."
_FORM = "application/x-www-form-urlencoded"
_MOST_FOLDERS = 20


Skip = Callable[[str, str], object]
"Is called with the name of a request that cannot be read, and the reason."


def parse_postman(text: str, skip: Skip | None = None) -> Collection:
    """Returns the requests in order; the text of the ValueError is half a sentence.

    With `skip`, a request that cannot be read does not prevent the others from being read.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON; export the collection again") from None
    items = document.get("item") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise ValueError("is not a Postman collection; export it as collection v2.1")  # noqa: TRY004 - the text is wrong
    return tuple(_requests(document, "", {}, skip))


def _requests(
    folder: Mapping[str, Any], prefix: str, outer: Mapping[str, str], skip: Skip | None, depth: int = 0
) -> Iterator[SavedRequest]:
    if depth > _MOST_FOLDERS:
        raise ValueError(f"has folders that are nested more than {_MOST_FOLDERS} deep")
    variables = {**outer, **_variables(folder.get("variable"))}
    for item in _mappings(folder.get("item")):
        name = prefix + (_text(item.get("name")) or "unnamed")
        if isinstance(item.get("item"), list):
            yield from _requests(item, f"{name}/", variables, skip, depth + 1)
        elif item.get("request"):
            try:
                yield _request(name, item["request"], variables)
            except ValueError as error:
                if skip is None:
                    raise
                skip(name, str(error))


def _request(name: str, request: Any, variables: Mapping[str, str]) -> SavedRequest:
    if isinstance(request, str):
        return SavedRequest(name=name, method="GET", url=request, variables=variables)
    request = _mapping(request)
    fields = list(_fields(request.get("header")))
    body, media_type = _body(name, _mapping(request.get("body")))
    if media_type and not values_of(fields, "content-type"):
        fields.append(("Content-Type", media_type))
    return SavedRequest(
        name=name,
        method=_text(request.get("method")) or "GET",
        url=_url(request.get("url")),
        fields=tuple(fields),
        body=body,
        variables=variables,
    )


def _url(url: Any) -> str:
    """Returns the URL with its path variables (`:id`); disabled query parameters are not in `raw`."""
    if isinstance(url, str):
        return url
    url = _mapping(url)
    raw = _text(url.get("raw")) or _assembled(url)
    path, mark, query = raw.partition("?")
    for name, value in _variables(url.get("variable")).items():
        path = re.sub(rf"(?<=/):{re.escape(name)}(?=/|$)", value.replace("\\", r"\\"), path)
    return path + mark + query


def _assembled(url: Mapping[str, Any]) -> str:
    """Returns the URL from its parts, as other tools write them without `raw`."""
    host, path = (_joined(url.get(part), by) for part, by in (("host", "."), ("path", "/")))
    protocol, port = _text(url.get("protocol")) or "http", _text(url.get("port"))
    pairs = (each for each in _enabled(url.get("query")))
    query = "&".join(f"{_text(each.get('key'))}={_text(each.get('value'))}" for each in pairs)
    start = host if "{{" in host else f"{protocol}://{host}"
    return start + (f":{port}" if port else "") + f"/{path}" + (f"?{query}" if query else "")


def _body(name: str, body: Mapping[str, Any]) -> tuple[str | BodyPath | None, str]:
    """(content, media type that the collection implies or nothing)."""
    mode = "" if body.get("disabled") is True else _text(body.get("mode"))
    match mode:
        case "" | "none":
            return None, ""
        case "raw":
            language = _text(_mapping(_mapping(body.get("options")).get("raw")).get("language"))
            return _text(body.get("raw")), _LANGUAGES.get(language, "")
        case "urlencoded":
            pairs = (each for each in _enabled(body.get("urlencoded")))
            return "&".join(f"{_quoted(each.get('key'))}={_quoted(each.get('value'))}" for each in pairs), _FORM
        case "file" if path := _text(_mapping(body.get("file")).get("src")):
            return BodyPath(path), ""
        case _:
            raise ValueError(f"has a body of mode {mode} in {name}, which is not supported; use raw, or -d @FILE")


def _quoted(value: Any) -> str:
    """Percent-encodes for a form, except variables: their values are encoded by whoever sets them."""
    parts = re.split(r"(\{\{[^{}]*\}\})", _text(value))
    return "".join(part if part.startswith("{{") else quote(part, safe="") for part in parts)


def _fields(header: Any) -> Iterator[tuple[str, str]]:
    """Yields the fields of a list, or of a text with one field a line."""
    if isinstance(header, str):
        for line in header.splitlines():
            name, colon, value = line.partition(":")
            if colon:
                yield name.strip(), value.strip()
    for each in _enabled(header):
        if key := _text(each.get("key")).strip():
            yield key, _text(each.get("value")).strip()


def _variables(entries: Any) -> dict[str, str]:
    return {
        name: _text(each.get("value"))
        for each in _enabled(entries)
        if (name := _text(each.get("key") or each.get("id")))
    }


def _enabled(entries: Any) -> Iterator[Mapping[str, Any]]:
    return (each for each in _mappings(entries) if each.get("disabled") is not True)


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _joined(value: Any, by: str) -> str:
    return by.join(map(_text, value)) if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    """Returns a text as it is, and a number or boolean as JSON writes it; nothing for the rest."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else ""
