"""Collects the octets of one head at a time, and what can be wrong with a head; grammar.py reads it."""

import re
from typing import Final

END: Final = b"\r\n\r\n"
EMPTY_LINES: Final = b"\r\n"
"Bytes of the empty lines that some old senders send before a head, or after a body (RFC 9112 §2.2)."
_LEADING_LINES: Final = re.compile(rb"\A(?:\r\n)+")


class HeadMalformed(Exception):
    """Not a valid HTTP/1 head; the text says what is wrong, without quoting it."""


class VersionOther(HeadMalformed):
    """A head of another version of HTTP."""


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
        """Whether a head has begun and not ended; leading empty lines do not count."""
        return bool(self._octets) and bool(self._octets.strip(EMPTY_LINES))

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Returns the head, empty until it is complete, and what follows it. Raises HeadTooLong or HeadMalformed."""
        if not self._octets:
            if octets[:1] == b"\r":
                octets = _LEADING_LINES.sub(b"", octets)
            end = octets.find(END) + 4
            if 4 <= end <= self._limit:
                return (octets, b"") if end == len(octets) else (octets[:end], octets[end:])
        return self._add(octets)

    def _add(self, octets: bytes) -> tuple[bytes, bytes]:
        if self._octets == b"\r":
            octets = _LEADING_LINES.sub(b"", b"\r" + octets)
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
        """Refuses at once what cannot become a head, instead of at the timeout."""
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
