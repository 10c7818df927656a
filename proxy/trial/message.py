"""A message for the commands that send one: made of what stands on the command line, read anew each time it is sent."""

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
"Octets of a body that are handed over at a time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent, once or many times."""

    method: str
    target: str
    "Path and query, as they stand in the request line."
    fields: tuple[tuple[str, str], ...]
    read: Callable[[int], bytes]
    "Some of the content from this offset on."
    length: int
    "Octets of the content."

    async def pieces(self, advance: Callable[[int], object]) -> AsyncIterator[bytes]:
        """The content piece by piece; tells how many octets have gone. OSError if there is less of it by now."""
        at = 0
        while at < self.length:
            piece = (await to_thread(self.read, at))[: self.length - at]
            if not piece:
                raise OSError("The file has become shorter while it was sent.")
            yield piece
            at += len(piece)
            advance(len(piece))


def content_of(body: Path | None, data: str | None) -> bytes | Path:
    """What to send; ValueError where there are two, OSError where it cannot be read."""
    if body is not None and data is not None:
        raise ValueError("Give --file or --data, not both.")
    if body is None:
        return (data or "").encode("utf-8", "surrogateescape")
    if str(body) == "-":
        return sys.stdin.buffer.read()
    if body.is_file() and body.stat().st_size:
        return body
    return body.read_bytes()  # a pipe cannot be read twice, and some files do not know how long they are


def compose(
    where: str, configuration: Configuration, content: bytes | Path, headers: Sequence[str], method: str
) -> Message:
    """The message; ValueError for words that name no route or are no field, OSError for a file that cannot be read."""
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
    """(what reads from an offset on, length); a file stays open, so that nobody takes it away meanwhile."""
    if isinstance(content, bytes):
        return (lambda at: content[at : at + PIECE]), len(content)
    descriptor = os.open(content, os.O_RDONLY | os.O_CLOEXEC)
    return (lambda at: os.pread(descriptor, PIECE, at)), os.fstat(descriptor).st_size


def field_of(text: str) -> tuple[str, str]:
    """Name and value; ValueError if it is no field, or one that tells where the message ends."""
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f"-H {text}: there is no colon in it.")
    if name.lower() == "authorization":
        raise ValueError("-H Authorization: the proxy puts its own token there, leave it out.")
    if name.lower() in OWN_FIELDS:
        raise ValueError(f"-H {name}: this command makes that field itself, leave it out.")
    try:
        return check_token(name), check_field_value(value.strip())
    except ValueError as error:
        raise ValueError(f"-H {name}: {error}.") from None


def media_type(content: bytes | Path) -> str:
    """By the file's name, else by how it begins; nothing for no content."""
    if isinstance(content, Path):
        guessed, _ = mimetypes.guess_type(content.name)
        with content.open("rb") as opened:
            content = opened.read(64)
        if guessed:
            return guessed
    start = content.lstrip()[:1]
    by_start = {b"{": "application/json", b"[": "application/json", b"<": "application/xml", b"": ""}
    return by_start.get(start, "text/plain; charset=utf-8")
