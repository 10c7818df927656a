"""Composes a message from options of a command; its content is read again each time it is sent."""

import mimetypes
import os
import sys
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.config.checked_text import check_field_value, check_method, check_token
from proxy.config.model import Configuration
from proxy.trial.destination import destination

OWN_FIELDS = frozenset({"connection", "content-length", "transfer-encoding", "x-request-id"})
PIECE = 256 << 10
"Bytes of a body that are read at a time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request, to be sent once or many times."""

    method: str
    target: str
    "Path and query, as in the request line."
    fields: tuple[tuple[str, str], ...]
    read: Callable[[int], bytes]
    "Reads a piece of the content at an offset."
    length: int
    "Bytes of the content."

    async def pieces(self, advance: Callable[[int], object]) -> AsyncIterator[bytes]:
        """Yields the content in pieces and reports their sizes; OSError if the file became shorter."""
        at = 0
        while at < self.length:
            piece = (await to_thread(self.read, at))[: self.length - at]
            if not piece:
                raise OSError("The file became shorter while it was being sent.")
            yield piece
            at += len(piece)
            advance(len(piece))


def content_of(body: Path | None, data: str | None) -> bytes | Path:
    """Returns the content; ValueError if both are given, OSError if the file cannot be read."""
    if body is not None and data is not None:
        raise ValueError("Give --file or --data, not both.")
    if body is None:
        return (data or "").encode("utf-8", "surrogateescape")
    if str(body) == "-":
        return sys.stdin.buffer.read()
    if body.is_file() and body.stat().st_size:
        return body
    return body.read_bytes()  # a pipe cannot be read twice, and some files (/proc) have no size


def compose(
    where: str, configuration: Configuration, content: bytes | Path, headers: Sequence[str], method: str
) -> Message:
    """Returns the message; ValueError for a wrong destination or field, OSError for an unreadable file."""
    try:
        method = check_method(method.upper())
    except ValueError as error:
        raise ValueError(f"-X {method}: {error}.") from None
    goal = destination(where, configuration.routes, method)
    fields = [field_of(text) for text in headers]
    given = {name.lower() for name, _ in fields}
    if "host" not in given:
        fields.append(("Host", goal.host))
    if "content-type" not in given and (guessed := media_type(content)):
        fields.append(("Content-Type", guessed))
    read, length = source(content)
    return Message(method=method, target=goal.target, fields=tuple(fields), read=read, length=length)


def source(content: bytes | Path) -> tuple[Callable[[int], bytes], int]:
    """(reader of a piece at an offset, length); a file stays open, so that it can be deleted in the meantime."""
    if isinstance(content, bytes):
        return (lambda at: content[at : at + PIECE]), len(content)
    descriptor = os.open(content, os.O_RDONLY | os.O_CLOEXEC)
    return (lambda at: os.pread(descriptor, PIECE, at)), os.fstat(descriptor).st_size


def field_of(text: str) -> tuple[str, str]:
    """Returns name and value; ValueError for an invalid field, and for one that the command sets."""
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f"-H {text}: it has no colon.")
    if name.lower() == "authorization":
        raise ValueError("-H Authorization: the proxy puts its own token there; leave it out.")
    if name.lower() in OWN_FIELDS:
        raise ValueError(f"-H {name}: this command sets that field itself; leave it out.")
    try:
        return check_token(name), check_field_value(value.strip())
    except ValueError as error:
        raise ValueError(f"-H {name}: {error}.") from None


def media_type(content: bytes | Path) -> str:
    """Guesses from the file's name, else from the first bytes; empty if there is no content."""
    if isinstance(content, Path):
        guessed, _ = mimetypes.guess_type(content.name)
        with content.open("rb") as opened:
            content = opened.read(64)
        if guessed:
            return guessed
    start = content.lstrip()[:1]
    by_start = {b"{": "application/json", b"[": "application/json", b"<": "application/xml", b"": ""}
    return by_start.get(start, "text/plain; charset=utf-8")
