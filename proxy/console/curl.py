"""A recorded request as a command of curl, for sh. It runs as it stands, and sends the same message."""

import base64
import re
from collections.abc import Sequence
from shlex import quote
from typing import Final, NamedTuple

from proxy.observe.masking import MASK

_OWN: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "x-request-id",
    }
)
"Fields, in lower case, that curl sets itself, or that name one message only."
_ADDED: Final = ("Accept", "User-Agent")
"Fields that curl would add."
_PLAIN: Final = re.compile(r"[\n\t -~\u00a0-\U0010ffff]*")
"A body that survives being copied: no carriage return, and no other control character."
LONGEST_TEXT: Final = 64 << 10
"Bytes of a body that is written as text; a system limits the length of an argument."
COLUMNS: Final = 76


class CurlRequest(NamedTuple):
    """What curl has to send."""

    method: str
    base: str
    "Scheme and authority of a listener of the proxy."
    socket: str
    "Path of a Unix socket, or empty."
    target: str
    fields: Sequence[tuple[str, str]]
    "As recorded: a credential is ***."
    body: bytes
    credential: str
    "Name of the field, in lower case, with which the sender authenticates to the proxy; empty if it does not."


def curl_command(request: CurlRequest) -> str:
    """Returns the command, in several lines."""
    words = ["curl -sS -i --globoff --path-as-is"]
    words.append("--head" if request.method == "HEAD" else f"-X {quote(request.method)}")
    if request.socket:
        words.append(f"--unix-socket {quote(request.socket)}")
    words.append(quoted(request.base + request.target))
    names = {name.lower() for name, _ in request.fields}
    words += [f"-H {argument}" for name, value in request.fields if (argument := _field(name, value, request))]
    words += [f"-H {quote(name + ':')}" for name in _ADDED if name.lower() not in names]
    if not request.body:
        return _joined(words if request.method not in ("POST", "PUT", "PATCH") else [*words, "-H 'Content-Length: 0'"])
    if "content-type" not in names:
        words.append("-H 'Content-Type:'")  # curl would say that it is a form
    text = _text(request.body)
    if text is not None:
        return _joined([*words, f"--data-raw {quote(text)}"])
    lines = base64.b64encode(request.body).decode()
    folded = "\n".join(lines[at : at + COLUMNS] for at in range(0, len(lines), COLUMNS))
    return f"printf %s '{folded}' |\n  base64 -d |\n  {_joined([*words, '--data-binary @-'])}"


def quoted(text: str) -> str:
    """Returns a word for sh with the bytes of a text in ISO 8859-1, whatever the terminal's own coding is."""
    if text.isascii():
        return quote(text)
    return f"\"$(printf '{''.join(map(_escaped, text.encode('latin-1', 'replace')))}')\""


def _field(name: str, value: str, request: CurlRequest) -> str:
    """Returns the argument for a field; empty if it is left out."""
    lower = name.lower()
    if lower in _OWN:
        return ""
    if value == MASK:
        if lower != request.credential:
            return ""
        variable = "SENDER_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
        return f'{quote(name + ": ")}"${{{variable}:?}}"'
    return quoted(f"{name}: {value}" if value else f"{name};")


def _joined(words: Sequence[str]) -> str:
    return " \\\n  ".join(words)


def _text(body: bytes) -> str | None:
    if len(body) > LONGEST_TEXT:
        return None
    try:
        text = body.decode()
    except ValueError:
        return None
    return text if _PLAIN.fullmatch(text) else None


def _escaped(octet: int) -> str:
    """Returns a byte as the format of printf has it."""
    if octet in b"%\\":
        return chr(octet) * 2
    return chr(octet) if 0x20 <= octet < 0x7F and octet != 0x27 else f"\\{octet:03o}"
