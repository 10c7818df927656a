"""Heads as the proxy reads them, with tables of names that all tests share."""

from proxy.forwarding.fields import request_names, response_names
from proxy.wire.grammar import RequestHead, RequestReader, ResponseHead, ResponseReader

REQUESTS, RESPONSES = RequestReader(request_names()), ResponseReader(response_names())
Pair = tuple[bytes, bytes]


def request_head(first: bytes, *fields: Pair) -> RequestHead:
    """With this first line."""
    return REQUESTS.read(written(first, fields), 100)


def response_head(first: bytes, *fields: Pair) -> ResponseHead:
    """With this first line."""
    return RESPONSES.read(written(first, fields))


def written(first: bytes, fields: tuple[Pair, ...]) -> bytes:
    """As octets."""
    return b"\r\n".join([first, *(name + b": " + value for name, value in fields), b"", b""])
