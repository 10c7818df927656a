"""Heads read as the proxy reads them: tests share the tables of names, as connections do."""

from proxy.forwarding.fields import request_names, response_names
from proxy.wire.grammar import RequestHead, RequestReader, ResponseHead, ResponseReader

REQUESTS, RESPONSES = RequestReader(request_names()), ResponseReader(response_names())
Pair = tuple[bytes, bytes]


def request_head(first: bytes, *fields: Pair) -> RequestHead:
    """The head of a request with this first line."""
    return REQUESTS.read(written(first, fields), 100)


def response_head(first: bytes, *fields: Pair) -> ResponseHead:
    """The head of a response with this first line."""
    return RESPONSES.read(written(first, fields))


def written(first: bytes, fields: tuple[Pair, ...]) -> bytes:
    """The head as octets."""
    return b"\r\n".join([first, *(name + b": " + value for name, value in fields), b"", b""])
