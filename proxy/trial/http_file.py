"""Reads and writes `.http` files, as the HTTP clients of VS Code and JetBrains have them. Scripts are ignored."""

import re
from collections.abc import Sequence

from proxy.syntax import values_of
from proxy.trial.collection import BodyPath, Collection, SavedRequest

_NAME = re.compile(r"(?:#|//)\s*@name[ \t=]+(.*)")
_VARIABLE = re.compile(r"@([\w.-]+)\s*=\s*(.*)")
_REQUEST = re.compile(r"(?:([A-Za-z]+)[ \t]+)?(\S.*?)(?:[ \t]+HTTP/[\d.]+)?")
_METHOD = re.compile(r"[A-Z]+")
_FILE = re.compile(r"<@?[ \t]+(\S.*)")
_AFTERWARDS = re.compile(r">>!?[ \t]|<>[ \t]|>[ \t].*\.js$")
"Lines that say what happens with the answer."
_FORM = "application/x-www-form-urlencoded"


def parse_http(text: str) -> Collection:
    """Returns the requests in order; the text of the ValueError is half a sentence."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in text.split("\n"):
        if line.startswith("###"):
            sections.append((line.lstrip("#").strip(), []))
        else:
            sections[-1][1].append(line)
    variables: dict[str, str] = {}
    found = [_request(name, lines, variables) for name, lines in sections]
    return tuple(each for each in found if each is not None)


def export_http(collection: Collection) -> str:
    """Returns the file that `parse_http` reads as these requests; ValueError if the format cannot express them."""
    variables = {name: value for each in collection for name, value in each.variables.items()}
    text = "".join(f"@{name} = {value}\n" for name, value in variables.items())
    for each in collection:
        lines = [f"### {each.name}", f"{each.method} {each.url}", *(f"{name}: {value}" for name, value in each.fields)]
        body = f"< {each.body.path}" if isinstance(each.body, BodyPath) else each.body
        text += "\n".join([*lines, *(["", body] if body else []), ""])
    try:
        is_same = parse_http(text) == collection
    except ValueError:
        is_same = False
    if not is_same:
        raise ValueError("cannot be written as an .http file: it has a line that means something else there")
    return text


def _request(name: str, lines: Sequence[str], variables: dict[str, str]) -> SavedRequest | None:
    """Returns the request of a section, if it has one, and adds the variables that the section sets.

    The variables are those of the whole file, so all of its requests share them.
    """
    name, at = _preamble(name, lines, variables)
    if at == len(lines):
        return None
    method, url, at = _request_line(lines, at)
    fields: list[tuple[str, str]] = []
    while at < len(lines) and (line := lines[at].strip()):
        at += 1
        if _is_comment(line):
            continue
        field, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"has a line without a colon among the fields of {name or url}: {line}")
        fields.append((field.strip(), value.strip()))
    is_form = any(_FORM in value.lower() for value in values_of(fields, "content-type"))
    return SavedRequest(
        name=name or f"{method} {url}",
        method=method,
        url=url,
        fields=tuple(fields),
        body=_body(lines[at + 1 :], is_form=is_form),
        variables=variables,
    )


def _preamble(name: str, lines: Sequence[str], variables: dict[str, str]) -> tuple[str, int]:
    """(the request's name, the index of its first line); reads comments, variables and scripts in front of it."""
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if named := _NAME.fullmatch(line):
            name = named[1].strip()
        elif variable := _VARIABLE.fullmatch(line):
            variables[variable[1]] = variable[2].strip()
        elif line.startswith("< {%"):
            at = _script_end(lines, at)
        elif line and not _is_comment(line):
            break
        at += 1
    return name, at


def _request_line(lines: Sequence[str], at: int) -> tuple[str, str, int]:
    """(method, URL, index of the next line); indented lines go on with the URL."""
    line = lines[at].strip()
    at += 1
    while at < len(lines) and lines[at][:1] in " \t" and lines[at].strip():
        line += lines[at].strip()
        at += 1
    found = _REQUEST.fullmatch(line)
    if found is None or (found[1] and not _METHOD.fullmatch(found[1])):
        raise ValueError(f"has a line that is not a request: {line}")
    return found[1] or "GET", found[2], at


def _body(lines: Sequence[str], *, is_form: bool) -> str | BodyPath | None:
    """Returns the body without the line ends behind it; None if there is nothing."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("> {%"):
            at = _script_end(lines, at)
        elif not _AFTERWARDS.match(line.rstrip()):
            kept.append(line)
        at += 1
    body = "\n".join(kept).rstrip("\r\n")
    if named := _FILE.fullmatch(body.strip()):
        return BodyPath(named[1])
    if is_form:
        body = "".join(line.strip() for line in body.split("\n"))
    return body or None


def _script_end(lines: Sequence[str], at: int) -> int:
    """Returns the index of the line that ends the script."""
    while at < len(lines) - 1 and not lines[at].rstrip().endswith("%}"):
        at += 1
    return at


def _is_comment(line: str) -> bool:
    return line.startswith(("#", "//"))
