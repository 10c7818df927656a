"""A request as a value, ready for an upstream; and its head in HTTP/1.1 (RFC 9112 §2.1)."""

from typing import Final

from proxy.wire.grammar import CHUNKED, UNSAID

_END: Final = b"\r\n"


class UpstreamRequest:
    """One request, with everything but its content; no version of HTTP is assumed."""

    __slots__ = ("authority", "fields", "length", "method", "target")

    def __init__(self, method: str, target: bytes, authority: bytes, fields: list[bytes], length: int) -> None:
        self.method = method
        self.target = target
        "Path and query."
        self.authority = authority
        "The value of Host."
        self.fields = fields
        "Field lines, credentials included; none about framing or the connection."
        self.length = length
        "Octets of content; CHUNKED if only its end will tell, UNSAID if there is none worth mentioning."

    def __repr__(self) -> str:
        return f"<UpstreamRequest {self.method}, {len(self.fields)} fields>"


def http1_head(request: UpstreamRequest) -> bytes:
    """Returns the head, with the empty line at its end."""
    first = b"%b %b HTTP/1.1\r\nHost: %b" % (request.method.encode(), request.target, request.authority)
    length = request.length
    if length == UNSAID:
        return _END.join([first, *request.fields, _END])
    framing = b"Transfer-Encoding: chunked\r\n" if length == CHUNKED else b"Content-Length: %d\r\n" % length
    return _END.join([first, *request.fields, framing, b""])
