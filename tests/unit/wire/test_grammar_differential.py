"""Our grammar beside the letter of the RFCs and aiohttp's C parser: they differ as tests.fuzz.heads lists, no more."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import cases
from tests.fuzz.heads import (
    STRICTER,
    STRICTER_RESPONSES,
    our_request,
    our_response,
    request_heads_are_read_alike,
    response_heads_are_read_alike,
    their_request,
    their_response,
)
from tests.fuzz.seeds import OK, REQUEST_HEADS, RESPONSE_HEADS

END = b"\r\n\r\n"
SMALL = [bytes([each]) for each in b"\r\n \t\0\x0b\x7f\xff:,;/?#@*%([]-+0X"]
LARGE = [
    b"",
    b"\r\n",
    b"99",
    b"9" * 19,
    b"1.0",
    b"close",
    b"keep-alive",
    b"chunked",
    b"http://h",
    b"CONNECT ",
    b"OPTIONS ",
]
LINES = [b"Host: h\r\n", b"Server: x\r\n", b"Content-Length: 1\r\n", b"Connection: close\r\n", b"Upgrade: h2c\r\n"]
OTHERS = [b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0", b"HTTP/0.9", b"RTSP/1.0"]
JUNK = st.sampled_from([*SMALL, *LARGE, *LINES, *OTHERS])
SPOILT = st.tuples(st.integers(0, 160), st.integers(0, 3), JUNK)


def heads(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Single heads, changed at a few places."""

    def made(seed: bytes, places: list[tuple[int, int, bytes]]) -> bytes:
        octets = seed.partition(END)[0]
        for at, length, put in places:
            octets = octets[:at] + put + octets[at + length :]
        return octets.partition(END)[0] + END

    return st.builds(made, st.sampled_from(seeds), st.lists(SPOILT, max_size=3))


REQUEST_EXAMPLES = {
    "a method that is not a token": b"\rGET /a HTTP/1.0\r\n\r\n",
    "a request line that is not three words with one space between them": b"GET /  HTTP/1.0\r\n\r\n",
    "a request line that does not end with an HTTP version": b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "a request target that is not a valid URL": b"GET http://a@b@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "a Content-Length that is not a number": b"POST /a HTTP/1.0\r\nContent-Length: 0123456789012345678\r\n\r\n",
    "Content-Length beside Transfer-Encoding": b"PUT / HTTP/1.0\r\nTransfer-Encoding:\r\nContent-Length: 1\r\n\r\n",
    "Transfer-Encoding in HTTP/1.0": b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a Transfer-Encoding other than chunked alone": b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: a\r\n\r\n",
}
RESPONSE_EXAMPLES = {
    "a CR or LF that ends no line": b"HTTP/1.1 204 \nX: a\r\n\r\n",
    "a control character": b"HTTP/1.1 204 \x1b\r\n\r\n",
    "a folded line": b"HTTP/1.1 204\r\nX: a\r\n b\r\n\r\n",
    "a field name that is not a token": b"HTTP/1.1 200 OK\r\nContent-Length 1: 2\r\n\r\n",
    "white space before a colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 \r\n\r\n",
    "a status that is not a number of three digits": b"HTTP/1.1 204\n\r\n\r\n",
    "a version other than HTTP/1.0 and HTTP/1.1": b"\nHTTP/1.1 204 \r\n\r\n",
    "a Content-Length that is not a number": b"HTTP/1.1 200\r\nContent-Length: 0123456789012345678\r\n\r\n",
    "Content-Length beside Transfer-Encoding": OK + b"Transfer-Encoding:\r\nContent-Length: 1\r\n\r\n",
    "Transfer-Encoding in HTTP/1.0": b"HTTP/1.0 200\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a Transfer-Encoding other than chunked alone": b"HTTP/1.1 200\r\nTransfer-Encoding: gzip\r\n\r\n",
    "more than one Transfer-Encoding": b"HTTP/1.1 200\r\nTransfer-Encoding: a\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@cases("octets", *REQUEST_HEADS)
def test_known_requests_are_read_alike(octets: bytes) -> None:
    """What fuzzing begins with."""
    request_heads_are_read_alike(octets)


@cases("octets", *RESPONSE_HEADS)
def test_known_responses_are_read_alike(octets: bytes) -> None:
    """What fuzzing begins with."""
    response_heads_are_read_alike(octets)


@settings(max_examples=1000)
@given(heads(REQUEST_HEADS))
def test_any_requests_are_read_alike(octets: bytes) -> None:
    """Whatever is wrong with them."""
    request_heads_are_read_alike(octets)


@settings(max_examples=1000)
@given(heads(RESPONSE_HEADS))
def test_any_responses_are_read_alike(octets: bytes) -> None:
    """Whatever is wrong with them."""
    response_heads_are_read_alike(octets)


@given(st.binary(max_size=60))
def test_any_octets_are_read_alike(octets: bytes) -> None:
    """Those that are no head at all too."""
    request_heads_are_read_alike(octets)
    response_heads_are_read_alike(octets)


@cases("why", *STRICTER)
def test_each_reason_why_a_request_is_refused_has_an_example(why: str) -> None:
    """The C parser takes it."""
    octets = REQUEST_EXAMPLES[why]

    assert (our_request(octets), their_request(octets) is None) == ((None, why), False)


@cases("why", *STRICTER_RESPONSES)
def test_each_reason_why_a_response_is_refused_has_an_example(why: str) -> None:
    """The C parser takes it."""
    octets = RESPONSE_EXAMPLES[why]

    assert (our_response(octets), their_response(octets) is None) == ((None, why), False)


def test_one_field_is_taken_that_the_c_parser_refuses() -> None:
    """The only thing in which ours is wider."""
    octets = b"GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key1: x\r\n\r\n"

    assert (our_request(octets)[0] is None, their_request(octets)) == (False, None)
    request_heads_are_read_alike(octets)
