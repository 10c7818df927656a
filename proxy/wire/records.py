"""Where TLS records end (RFC 8446 §5.1; the same in TLS 1.2).

OpenSSL removes a part of a record from its buffer, and does not report that it holds one. So count from the headers.
"""

HEADER = 5
"Octets: type, version (two), length (two)."


class RecordEnds:
    """Follows the octets of one direction, however they are cut."""

    def __init__(self) -> None:
        self._missing = 0
        "Octets of the present record that are still to come."
        self._header = b""
        "What has come of a header that is not complete."

    @property
    def whole(self) -> bool:
        """Whether the last record is complete."""
        return not (self._missing or self._header)

    def follow(self, octets: bytes | memoryview) -> None:
        """Counts the next bytes."""
        if self._header:
            octets = self._header + bytes(octets)
        at, size = self._missing, len(octets)
        while at + HEADER <= size:
            at += HEADER + (octets[at + 3] << 8 | octets[at + 4])
        self._missing = at - size if at > size else 0
        self._header = bytes(octets[at:]) if at < size else b""
