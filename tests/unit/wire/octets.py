"""Heads to be parsed."""

import re

from hypothesis import strategies as st

from proxy.wire.grammar import RequestHead, ResponseHead
from tests.fakes.heads import REQUESTS, RESPONSES

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
TOKEN = st.text("!#$%&'*+-.^_`|~0123456789abcXYZ", min_size=1, max_size=12).map(str.encode)
VALUE = st.binary(max_size=30).map(lambda raw: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", raw).strip(b" \t"))
FIELDS = st.lists(st.tuples(TOKEN.map(lambda name: b"X-" + name), VALUE), max_size=6)
PATH = st.text([chr(each) for each in range(0x21, 0x7F)], max_size=30).map(lambda text: b"/" + text.encode())


def head(first: bytes, *lines: bytes) -> bytes:
    """Write a head."""
    return b"\r\n".join([first, *lines, b"", b""])


def parse(first: bytes, *lines: bytes) -> RequestHead:
    """Parse a request's head with Host."""
    return REQUESTS.read(head(first, b"Host: h", *lines), 100)


def parse_response(first: bytes, *lines: bytes) -> ResponseHead:
    """Parse a response's head."""
    return RESPONSES.read(head(first, *lines))
