"""A message for the commands that send one: made of what stands on the command line, read anew each time it is sent."""

import mimetypes
import sys
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from proxy.cli.destination import destination
from proxy.config.model import Configuration
from proxy.config.names import check_field_value, check_method, check_token

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
    content: bytes | Path
    "Octets, or the file that holds them."

    @property
    def length(self) -> int:
        """Octets of the content."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    async def pieces(self, advance: Callable[[int], object]) -> AsyncIterator[bytes]:
        """The content piece by piece; tells how many octets have gone."""
        content = BytesIO(self.content) if isinstance(self.content, bytes) else await to_thread(self.content.open, "rb")
        with content:
            while piece := await to_thread(content.read, PIECE):
                yield piece
                advance(len(piece))


def content_of(body: Path | None, data: str | None) -> bytes | Path:
    """What to send; ValueError where there are two."""
    if body is not None and data is not None:
        raise ValueError("Give --file or --data, not both.")
    if body is None:
        return (data or "").encode("utf-8", "surrogateescape")
    if str(body) == "-":
        return sys.stdin.buffer.read()
    return body if body.is_file() else body.read_bytes()  # a pipe cannot be read twice


def compose(
    where: str, configuration: Configuration, content: bytes | Path, headers: Sequence[str], method: str
) -> Message:
    """The message; ValueError for words that name no route or are no field."""
    goal = destination(where, configuration.routes)
    fields = [field_of(text) for text in headers]
    given = {name.lower() for name, _ in fields}
    if "host" not in given:
        fields.append(("Host", goal.host))
    if "content-type" not in given and (guessed := media_type(content)):
        fields.append(("Content-Type", guessed))
    try:
        checked = check_method(method.upper())
    except ValueError as error:
        raise ValueError(f"-X {method}: {error}.") from None
    return Message(method=checked, target=goal.target, fields=tuple(fields), content=content)


def field_of(text: str) -> tuple[str, str]:
    """Name and value; ValueError if it is no field, or one that tells where the message ends."""
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f"-H {text}: there is no colon in it.")
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
