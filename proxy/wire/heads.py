"""The parser seam: one complete head in, one value out, by aiohttp's C parsers.

Only heads go through the parser; bodies are framed by `proxy.wire.framing`, which forwards what the socket gave without
another copy. Before the parser sees a head it is checked for what parsers read differently (RFC 9112 §2.2, §5.2):
aiohttp's response parser is lenient on purpose, and a proxy must not pass on what the next reader may split elsewhere.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpResponseParser
from aiohttp.http_exceptions import HttpProcessingError, InvalidURLError

END = b"\r\n\r\n"
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0")
_VERSION = re.compile(rb"HTTP/\d\.\d")
_METHODS = frozenset(b"GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE".split())
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_EMPTY_LINES = re.compile(rb"\A(?:\r\n)+")
"Before the first line of a head (RFC 9112 §2.2)."
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09, 0x0A, 0x0D})

Field = tuple[bytes, bytes]


class HeadMalformed(Exception):
    """A head that is no HTTP/1 head; the text says what is wrong with it, without quoting it."""


class VersionOther(HeadMalformed):
    """A head of another version of HTTP."""


@dataclass(slots=True)
class RequestHead:
    """A request line and its fields, as bytes of the wire."""

    method: str
    target: bytes = field(repr=False)
    minor: int
    "Of HTTP/1.x."
    fields: tuple[Field, ...] = field(repr=False)
    persistent: bool
    "Whether the sender means to go on using the connection (RFC 9112 §9.3)."
    notes: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    "What pure functions have found out about it, for the next time that the same octets come."


@dataclass(slots=True)
class ResponseHead:
    """A status line and its fields, as bytes of the wire."""

    status: int
    reason: bytes
    minor: int
    fields: tuple[Field, ...] = field(repr=False)
    persistent: bool
    notes: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    "As those of a request."


def assert_compiled() -> None:
    """RuntimeError unless the C parsers are in use: the pure-Python ones read chunks and methods more laxly."""
    if HttpRequestParser.__module__ != "aiohttp._http_parser":
        raise RuntimeError(
            "aiohttp's C extension is missing (AIOHTTP_NO_EXTENSIONS, or no wheel for this platform); "
            "its pure-Python parser is laxer, and this proxy does not run on it"
        )


def check(head: bytes) -> None:
    """HeadMalformed for controls, bare CR or LF, and folded lines."""
    if len(head.translate(None, _CONTROLS)) != len(head):
        raise HeadMalformed("a control character")
    lines = head.count(b"\r\n")
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        raise HeadMalformed("a CR or LF that ends no line")
    if b"\n " in head or b"\n\t" in head:
        raise HeadMalformed("a folded line")


class _HeadParser:
    """What both kinds have in common.

    The C parser is made anew for each head, for half a microsecond: it would hold on to the last one, credentials and
    all, for as long as the connection lasts, and after some heads it could not go on.
    """

    __slots__ = ()
    _kind: ClassVar[Any]

    def _parse(self, head: bytes) -> Any:
        check(head)
        try:
            messages, _, rest = self._kind(_PROTOCOL, _LOOP, 1, **_HEADS_ONLY).feed_data(head)
        except HttpProcessingError as error:
            raise HeadMalformed(_reason(error)) from error
        if len(messages) != 1 or rest:
            raise HeadMalformed("an end in the middle")
        return messages[0][0]


def _reason(error: HttpProcessingError) -> str:
    """The parser's own words up to the first line end: the rest quotes the head, as do its words about targets."""
    if isinstance(error, InvalidURLError):
        return "a request target that is no URL"
    return str(error.message).partition("\n")[0].strip().rstrip(":.") or "no HTTP"


def _lasts(message: Any) -> bool:
    """Whether the connection goes on (RFC 9112 §9.3); for HTTP/1.0 the parser lets keep-alive win over close."""
    if message.should_close or message.version.minor:
        return not message.should_close
    options = (value.lower() for name, value in message.raw_headers if name.lower() == b"connection")
    return all(option.strip() != b"close" for each in options for option in each.split(b","))


class RequestParser(_HeadParser):
    """Parses request heads."""

    __slots__ = ()
    _kind = HttpRequestParser

    def parse(self, head: bytes, max_fields: int) -> RequestHead:
        """A complete head, END included; HeadMalformed if it is none, VersionOther for HTTP/2.0, HeadTooLong."""
        if head.count(b"\r\n") - 2 > max_fields:
            raise HeadTooLong(first_line=False)
        line = head[: head.find(b"\r\n")]
        version = line[-8:]
        if version not in _VERSIONS:  # the parser would take HTTP/0.9 and RTSP too
            if _VERSION.fullmatch(version):
                raise VersionOther("a version of HTTP other than 1.0 and 1.1")
            raise HeadMalformed("no version of HTTP at the end of its first line")
        words = line.split(b" ")
        if len(words) != 3 or not words[1] or words[2] != version:  # RFC 9112 §3; the parser passes over more spaces
            raise HeadMalformed("a request line that is not three words with one space between them")
        method = words[0]
        if method not in _METHODS and _TOKEN.fullmatch(method):  # the parser knows a list of methods only
            head = b"POST" + head[len(method) :]
        message = self._parse(head)
        return RequestHead(
            method.decode("latin-1"),
            message.path.encode("utf-8", "surrogateescape"),
            message.version.minor,
            message.raw_headers,
            _lasts(message),
        )


class ResponseParser(_HeadParser):
    """Parses response heads."""

    __slots__ = ()
    _kind = HttpResponseParser

    def parse(self, head: bytes) -> ResponseHead:
        """A complete head, END included; HeadMalformed if it is none."""
        if head[:8] not in _VERSIONS:  # the parser would take HTTP/0.9 and HTTP/2.0 too
            raise HeadMalformed("a version other than HTTP/1.0 and HTTP/1.1")
        message = self._parse(head)
        if message.code < 100:
            raise HeadMalformed("a status below 100")
        if (b" :" in head or b"\t:" in head) and any(name[-1:] in b" \t" for name, _ in message.raw_headers):
            raise HeadMalformed("white space before a colon")  # RFC 9112 §5.1; the parser takes it after names it knows
        return ResponseHead(
            message.code,
            message.reason.encode("utf-8", "surrogateescape"),
            message.version.minor,
            message.raw_headers,
            _lasts(message),
        )


_HEADS_ONLY: dict[str, Any] = {
    "response_with_body": False,
    "auto_decompress": False,
    "max_line_size": 1 << 30,
    "max_headers": 1 << 30,
    "max_field_size": 1 << 30,
}
"Sizes are limited before a head is complete, by those who collect it; no coding of a body is any of our business."
_LOOP = cast("asyncio.AbstractEventLoop", None)
_PROTOCOL = BaseProtocol(_LOOP)
"The parsers want a loop, and a protocol for flow control, for bodies only, which they never see here."


class HeadTooLong(Exception):
    """More octets than a head may have, and still no end; `first_line` tells whether not even its first line ended."""

    def __init__(self, *, first_line: bool) -> None:
        super().__init__()
        self.first_line = first_line


class HeadCollector:
    """Collects the octets of one head at a time, however the socket cut them."""

    __slots__ = ("_limit", "_octets")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._octets = bytearray()

    @property
    def begun(self) -> bool:
        """Whether a head has begun and not ended; empty lines in front of it are no beginning."""
        return bool(self._octets) and bool(self._octets.strip(b"\r\n"))

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """(head, what follows it), the head empty until it is complete; HeadTooLong, HeadMalformed."""
        if not self._octets:
            if octets[:1] == b"\r":
                octets = _EMPTY_LINES.sub(b"", octets)
            end = octets.find(END) + 4
            if 4 <= end <= self._limit:
                return (octets, b"") if end == len(octets) else (octets[:end], octets[end:])
        return self._add(octets)

    def _add(self, octets: bytes) -> tuple[bytes, bytes]:
        if self._octets == b"\r":
            octets = _EMPTY_LINES.sub(b"", b"\r" + octets)
            self._octets.clear()
        seen = max(0, len(self._octets) - len(END) + 1)
        self._octets += octets
        end = self._octets.find(END, seen) + len(END)
        if end < len(END):
            self._suspect(seen)
            return b"", b""
        if end > self._limit:
            raise HeadTooLong(first_line=self._octets.find(b"\r\n") >= self._limit)
        head, rest = bytes(self._octets[:end]), bytes(self._octets[end:])
        self._octets = bytearray()
        return head, rest

    def _suspect(self, seen: int) -> None:
        """Refuse at once what will never become a head, rather than at the end of the time for it."""
        if not self._octets:
            return
        first = self._octets[0]
        if first == 0x16:
            raise HeadMalformed("TLS, where plain HTTP is spoken")
        if not (0x21 <= first < 0x7F or first == 0x0D):
            raise HeadMalformed("a first octet that begins no HTTP message")
        if self._octets.find(b"\n\n", seen) >= 0 or self._octets.find(b"\n\r\n", seen) >= 0:
            raise HeadMalformed("a line that ends without CR")
        if len(self._octets) > self._limit:
            raise HeadTooLong(first_line=b"\r\n" not in self._octets)
