"""Formats an answer's body for a terminal: indents JSON and XML, and removes terminal control characters."""

import json
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from proxy.observe.log_format import printable

INDENT = "  "


def pretty(content: bytes, media_type: str, charset: str) -> str:
    """Returns the text to show; for binary content, a sentence."""
    if b"\0" in content:
        return f"({len(content)} bytes of {media_type or 'unknown type'}; redirect standard output to keep them)"
    try:
        text = content.decode(charset, "replace")
    except LookupError:
        text = content.decode("utf-8", "replace")
    return "\n".join(map(printable, _indented(text).expandtabs().splitlines()))


def _indented(text: str) -> str:
    """Returns the text unchanged if it is neither JSON nor XML."""
    start = text.lstrip("\ufeff \t\r\n")
    try:
        if start.startswith(("{", "[")):
            return json.dumps(json.loads(start), indent=INDENT, ensure_ascii=False)
        if start.startswith("<") and "<!DOCTYPE" not in start.upper():  # without a document type, no entity can expand
            return _xml(start)
    except (ValueError, RecursionError, ExpatError):
        return text
    return text


def _xml(text: str) -> str:
    """Keeps namespace prefixes and the XML declaration."""
    document = minidom.parseString(text.encode())  # noqa: S318 - it has no document type
    for element in document.childNodes:
        if isinstance(element, minidom.Element):
            _strip(element)
    lines = document.toprettyxml(indent=INDENT).splitlines()
    return "\n".join(lines if text.startswith("<?xml") else lines[1:])


def _strip(element: minidom.Element) -> None:
    """Removes white space between elements."""
    for child in list(element.childNodes):
        if isinstance(child, minidom.Element):
            _strip(child)
        elif isinstance(child, minidom.Text) and not child.data.strip() and len(element.childNodes) > 1:
            element.removeChild(child)
