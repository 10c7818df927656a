"""HTTP/1 by the letter of RFC 9112, read with regular expressions: slow, whole messages only, and strict.

What the proxy takes for a message must be one here too, and the same one. The proxy may refuse more than this does.
"""

import re
from dataclasses import dataclass

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
FIELD = re.compile(rb"(" + TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)\r\n")
LAX_FIELD = re.compile(rb"([^\x00-\x20\x7f:](?:[^\x00-\x1f\x7f:]*[^\x00-\x20\x7f:])?):([\t\x20-\x7e\x80-\xff]*)\r\n")
"Of responses: names that are no tokens are dropped, for the sake of the answer."
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])\r\n")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n")
EMPTY_LINES = re.compile(rb"(?:\r\n)*")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")

Fields = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `start` is (method, target, minor) of a request, (status, reason, minor) of a response."""

    start: tuple[bytes, bytes, bytes]
    fields: Fields
    body: bytes
    whole: bool
    "Whether its end has come."


def requests(octets: bytes) -> list[Message]:
    """Up to the first octet that belongs to none; the last may be cut."""
    found: list[Message] = []
    at = 0
    while True:
        at = end_of(EMPTY_LINES, octets, at)
        line = REQUEST_LINE.match(octets, at)
        if not line:
            return found
        fields, at = read_fields(octets, line.end())
        if at < 0:
            return found
        lengths, codings = values(fields, b"content-length"), values(fields, b"transfer-encoding")
        if len(values(fields, b"host")) > 1 or (line[3] == b"1" and not values(fields, b"host")):
            return found
        body, at = request_content(octets, at, lengths, codings, line[3])
        if body is None:
            return found
        found.append(Message((line[1], line[2], line[3]), fields, body, whole=at >= 0))
        if at < 0:
            return found


def response(octets: bytes, *, ended: bool) -> Message | None:
    """The final response to a POST at the beginning of a connection that has ended in order, or goes on."""
    at = 0
    while True:
        at = end_of(EMPTY_LINES, octets, at)
        line = STATUS_LINE.match(octets, at)
        if not line:
            return None
        fields, at = read_fields(octets, line.end(), LAX_FIELD)
        if at < 0 or line[2] == b"101":
            return None
        if line[2] >= b"200":
            break
    lengths, codings = values(fields, b"content-length"), values(fields, b"transfer-encoding")
    start = (line[2], line[3] or b"", line[1])
    if not lengths and not codings and line[2] not in (b"204", b"304"):
        return Message(start, fields, octets[at:], whole=ended)
    body, end = request_content(octets, at, lengths, codings, line[1])
    if body is None:
        return None
    if line[2] in (b"204", b"304"):
        return Message(start, fields, b"", whole=True)
    return Message(start, fields, body, whole=end >= 0)


def request_content(
    octets: bytes, at: int, lengths: list[bytes], codings: list[bytes], minor: bytes
) -> tuple[bytes | None, int]:
    """No body if the framing is in doubt, no end if it is not there."""
    if codings:
        if lengths or minor == b"0" or len(codings) > 1 or codings[0].lower() != b"chunked":
            return None, -1
        return chunks(octets, at)
    if not lengths:
        return b"", at
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        return None, -1
    end = at + int(lengths[0])
    return octets[at:end], end if end <= len(octets) else -1


def chunks(octets: bytes, at: int) -> tuple[bytes, int]:
    """(content, where the chunked body ends), as far as the chunks are in order."""
    content = b""
    while True:
        line = CHUNK_LINE.match(octets, at)
        if not line:
            return content, -1
        size, at = int(line[1], 16), line.end()
        if not size:
            return content, read_fields(octets, at)[1]
        content += octets[at : at + size]
        at += size
        if octets[at : at + 2] != b"\r\n":
            return content, -1
        at += 2


def read_fields(octets: bytes, at: int, pattern: re.Pattern[bytes] = FIELD) -> tuple[Fields, int]:
    """(fields, where their last line end ends); -1 where there is something else."""
    fields = []
    while field := pattern.match(octets, at):
        fields.append((field[1], field[2].strip(b" \t")))
        at = field.end()
    return tuple(fields), at + 2 if octets[at : at + 2] == b"\r\n" else -1


def values(fields: Fields, name: bytes) -> list[bytes]:
    """All values of a field."""
    return [value for each, value in fields if each.lower() == name]


def end_of(pattern: re.Pattern[bytes], octets: bytes, at: int) -> int:
    """Where a match that cannot fail ends."""
    found = pattern.match(octets, at)
    return found.end() if found else at
