"""Where a body ends: one decoder for each way of saying it (RFC 9112 §6).

A decoder is fed with what the socket gave and hands out the content; what follows the body is left over. What two
readers could understand differently is refused: a proxy with a token must not guess.
"""

import re
from typing import Final

from proxy.wire.field_names import TOKEN
from proxy.wire.grammar import CHUNKED, UNSAID, RequestHead, ResponseHead
from proxy.wire.heads import EMPTY_LINES


class BodyMalformed(Exception):
    """A body whose end is ambiguous; the text says why."""


class NoBody:
    """Nothing follows the head."""

    __slots__ = ()
    length = 0
    done = True

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Returns the content, and what follows the body."""
        return b"", octets

    def end(self) -> bool:
        """Whether the body is whole now that the connection has ended."""
        return True


NO_BODY: Final = NoBody()
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"Methods that say in HTTP/1.0 how long their body is, be it empty (RFC 1945 §8.3)."
WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"Methods that have no body as a rule."
_REQUEST_LINE = re.compile(rb"[A-Za-z]+ [!-~]+ HTTP/1\.[01]\r\n")


class LengthBody:
    """A body of Content-Length octets (RFC 9112 §6.2)."""

    __slots__ = ("done", "left", "length")

    def __init__(self, length: int) -> None:
        self.length = self.left = length
        self.done = not length

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Returns the content, and what follows the body."""
        left = self.left = self.left - len(octets)
        if left > 0:
            return octets, b""
        self.left, self.done = 0, True
        return (octets, b"") if left == 0 else (octets[:left], octets[left:])

    def end(self) -> bool:
        """Whether the body is whole now that the connection has ended."""
        return self.done


class CloseBody:
    """A body up to the end of the connection (RFC 9112 §6.3, last rule)."""

    __slots__ = ("done",)
    length = None

    def __init__(self) -> None:
        self.done = False

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Returns the content, and what follows the body."""
        return octets, b""

    def end(self) -> bool:
        """Whether the body is whole now that the connection has ended: it is, if that was in order."""
        self.done = True
        return True


_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
"A chunk size below 2^60 and the extensions, which are ignored (RFC 9112 §7.1.1)."
_TRAILER = re.compile(TOKEN.pattern + rb":[\t\x20-\x7e\x80-\xff]*")
_LONGEST_LINE = 1024
_MOST_TRAILERS = 8192
"Octets."


class ChunkedBody:
    """A chunked body, by the letter of the grammar (RFC 9112 §7.1); trailers are dropped, as §7.1.2 allows."""

    __slots__ = ("_left", "_line", "_trailers", "done")
    length = None

    def __init__(self) -> None:
        self.done = False
        self._line = b""
        "What has come of a line that is not complete."
        self._left = 0
        "Octets of the chunk and its CRLF that are still to come; 0 in front of a size line."
        self._trailers = -1
        "Octets of trailers so far; -1 before the last chunk."

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Returns the content, and what follows the body. Raises BodyMalformed at the first wrong byte."""
        content: list[bytes] = []
        at = 0
        while at < len(octets) and not self.done:
            at = self._chunk(octets, at, content) if self._left else self._read_line(octets, at)
        return content[0] if len(content) == 1 else b"".join(content), octets[at:]

    def end(self) -> bool:
        """Whether the body is whole now that the connection has ended."""
        return self.done

    def _chunk(self, octets: bytes, at: int, content: list[bytes]) -> int:
        """Reads content up to the end of the chunk, then its CRLF."""
        if self._left > 2:
            piece = octets[at : at + self._left - 2] if at or len(octets) > self._left - 2 else octets
            content.append(piece)
            self._left -= len(piece)
            return at + len(piece)
        if octets[at] != b"\r\n"[2 - self._left]:
            raise BodyMalformed("a chunk is longer than its size")
        self._left -= 1
        return at + 1

    def _read_line(self, octets: bytes, at: int) -> int:
        """Reads a size or trailer line, as far as it is there."""
        end = octets.find(b"\n", at)
        line = self._line + (octets[at : end + 1] if end >= 0 else octets[at:])
        if len(line) > _LONGEST_LINE + max(self._trailers, 0):
            raise BodyMalformed("a chunk's line is too long")
        if end < 0:
            if b"\r" in line[:-1]:
                raise BodyMalformed("a CR inside a chunk's line")
            self._line = line
            return len(octets)
        self._line = b""
        if line[-2:] != b"\r\n":
            raise BodyMalformed("a chunk's line ends without CR")
        if self._trailers < 0:
            self._size(line[:-2])
        else:
            self._trailer(line[:-2])
        return end + 1

    def _size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if not found:
            raise BodyMalformed("a chunk size that is not a number")
        size = int(found[1], 16)
        if size:
            self._left = size + 2
        else:
            self._trailers = 0

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self._trailers += len(line)
        if self._trailers > _MOST_TRAILERS or not _TRAILER.fullmatch(line):
            raise BodyMalformed("a trailer that is not a field")


Decoder = NoBody | LengthBody | CloseBody | ChunkedBody


def request_body(head: RequestHead) -> Decoder:
    """Returns the decoder of a request's body (RFC 9112 §6.3). Raises BodyMalformed if its end is unknown."""
    if head.length != UNSAID:
        return _body(head.length)
    if head.minor == 0 and head.method.upper() in WITH_BODY:  # RFC 1945 §8.3
        raise BodyMalformed(f"{head.method} in HTTP/1.0 without Content-Length, so the end of the body is unknown")
    return NO_BODY


def may_be_body(method: str, behind: bytes) -> bool:
    """Whether the bytes after the head of a last request without framing may be meant as its body.

    Another request is not a body if the method usually has none; it is not served (RFC 9112 §9.6).
    """
    rest = behind.strip(EMPTY_LINES)
    return bool(rest) and not (method in WITHOUT_BODY and _REQUEST_LINE.match(behind.lstrip(EMPTY_LINES)))


def response_body(method: str, head: ResponseHead) -> Decoder:
    """Returns the decoder of the body of a response to this method (RFC 9112 §6.3, rules 1 and 8)."""
    if method == "HEAD" or head.status in (204, 304):
        return NO_BODY
    return CloseBody() if head.length == UNSAID else _body(head.length)


def _body(length: int) -> Decoder:
    return ChunkedBody() if length == CHUNKED else LengthBody(length)
