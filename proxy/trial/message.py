"""Composes a message from options of a command; its content is read again each time it is sent."""

import mimetypes
import os
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self

from proxy.config.checked_text import check_field_value, check_method, check_token
from proxy.config.model import Configuration
from proxy.syntax import values_of
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

    def with_content(self, content: bytes | Path) -> Self:
        """Returns the message with a content, and a guess of its media type; OSError for an unreadable file."""
        fields = self.fields
        if not values_of(fields, "content-type") and (guessed := media_type(content)):
            fields = (*fields, ("Content-Type", guessed))
        read, length = source(content)
        return replace(self, fields=fields, read=read, length=length)


def content_of(data: Sequence[str], file: Path | None, stdin: BinaryIO, method: str) -> bytes | Path | None:
    """Returns the content; None if there is none, which empty standard input counts as.

    `data` are texts, or `@` and the name of a file. Standard input (`-`) is also read if no option is given, unless it
    is a terminal, or the method is GET or HEAD, which have no use for it (RFC 9110 §9.3.1). ValueError if there are
    several contents, OSError if a file cannot be read.
    """
    if len(data) + (file is not None) > 1:
        raise ValueError("Give one body: -d, --data or --file once, not both and not several times.")
    if data and not data[0].startswith("@"):
        return data[0].encode("utf-8", "surrogateescape")
    if data and data[0] == "@":
        raise ValueError("-d @ needs the name of a file; @- is standard input.")
    if data:
        file = Path(data[0][1:])
    if file is None and (method in ("GET", "HEAD") or stdin.isatty()):
        return None
    if file is None or str(file) == "-":
        return stdin.read() or None
    if file.is_file() and file.stat().st_size:
        return file
    return file.read_bytes()  # a pipe cannot be read twice, and some files (/proc) have no size


def compose(
    where: str, configuration: Configuration, content: bytes | Path, headers: Sequence[str], method: str
) -> Message:
    """Returns the message; ValueError for a wrong destination or field, OSError for an unreadable file."""
    return addressed(where, configuration, headers, method).with_content(content)


def addressed(where: str, configuration: Configuration, headers: Sequence[str], method: str) -> Message:
    """Returns the message without content; ValueError for a wrong destination, field or method."""
    try:
        method = check_method(method.upper())
    except ValueError as error:
        raise ValueError(f"-X {method}: {error}.") from None
    goal = destination(where, configuration.routes, method, configuration.listen)
    fields = [field_of(text) for text in headers]
    if "host" not in {name.lower() for name, _ in fields}:
        fields.append(("Host", goal.host))
    read, length = source(b"")
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
