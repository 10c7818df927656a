"""Where bodies end."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.framing import (
    NO_BODY,
    BodyMalformed,
    ChunkedBody,
    CloseBody,
    Decoder,
    LengthBody,
    NoBody,
    may_be_body,
    request_body,
    response_body,
)
from tests.cases import cases
from tests.fakes.heads import request_head
from tests.unit.wire import test_grammar as grammar

Pair = tuple[bytes, bytes]
CUTS = st.lists(st.integers(min_value=0, max_value=400), max_size=12)
CHUNKED = (b"Transfer-Encoding", b"chunked")


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    """Cut octets into pieces."""
    ends = sorted({0, len(octets), *(place for place in places if place < len(octets))})
    return [octets[a:b] for a, b in pairwise(ends)]


def decode(decoder: Decoder, pieces: list[bytes]) -> tuple[bytes, bytes, bool]:
    """Return (content, the rest, whether the body is done)."""
    content = left = b""
    for piece in pieces:
        if decoder.done:
            left += piece
            continue
        more, rest = decoder.feed(piece)
        content, left = content + more, left + rest
    return content, left, decoder.done


def chunks(pieces: list[bytes], extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """Write a chunked body."""
    written = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece]
    return b"".join(written) + b"0" + extension + b"\r\n" + trailers + b"\r\n"


def test_nothing_is_no_body() -> None:
    """It is whole from the start."""
    assert (NO_BODY.done, NO_BODY.length, NO_BODY.feed(b"GET"), NO_BODY.end()) == (True, 0, (b"", b"GET"), True)


@given(content=st.binary(max_size=300), after=st.binary(max_size=60), places=CUTS)
def test_a_length_gives_the_same_content_however_it_is_cut(content: bytes, after: bytes, places: list[int]) -> None:
    """What follows is left over."""
    decoder = LengthBody(len(content))

    assert decode(decoder, cut(content + after, places)) == (content, after, True)
    assert (decoder.end(), decoder.length) == (True, len(content))


@given(content=st.binary(min_size=1, max_size=100), missing=st.integers(min_value=1, max_value=100), places=CUTS)
def test_a_body_shorter_than_its_length_is_not_whole(content: bytes, missing: int, places: list[int]) -> None:
    """That is a cut."""
    decoder = LengthBody(len(content) + missing)

    assert decode(decoder, cut(content, places)) == (content, b"", False)
    assert not decoder.end()


def test_octets_after_a_whole_length_are_left_over() -> None:
    """A decoder that is done takes nothing more."""
    decoder = LengthBody(2)

    assert (decoder.feed(b"ab"), decoder.feed(b"cd")) == ((b"ab", b""), (b"", b"cd"))


def test_a_body_without_length_is_whole_at_the_end_of_the_connection() -> None:
    """RFC 9112 §6.3, last rule."""
    decoder = CloseBody()

    assert (decoder.feed(b"ab"), decoder.done, decoder.length) == ((b"ab", b""), False, None)
    assert (decoder.end(), decoder.done) == (True, True)


@given(
    pieces=st.lists(st.binary(max_size=80), max_size=6),
    extension=st.sampled_from([b"", b";a", b";a=b", b' ; a="b c"', b"\t;a=\xff"]),
    trailers=st.sampled_from([b"", b"A: b\r\n", b"A:\r\nB: \xff\r\n", b"Content-Length: 7\r\n"]),
    after=st.binary(max_size=40),
    places=CUTS,
)
def test_chunks_give_the_same_content_however_they_are_cut(
    pieces: list[bytes], extension: bytes, trailers: bytes, after: bytes, places: list[int]
) -> None:
    """Extensions and trailers are dropped (RFC 9112 §7.1)."""
    octets = chunks(pieces, extension, trailers)

    assert decode(ChunkedBody(), cut(octets + after, places)) == (b"".join(pieces), after, True)


@given(st.data())
def test_no_beginning_of_a_chunked_body_is_whole(data: st.DataObject) -> None:
    """Every cut before the last octet shows."""
    octets = chunks([b"abc", b"defg"], b";x=y", b"T: v\r\n")
    length = data.draw(st.integers(min_value=0, max_value=len(octets) - 1))
    decoder = ChunkedBody()

    decode(decoder, [octets[:length]])

    assert not decoder.done
    assert not decoder.end()


def test_octets_after_the_last_chunk_are_left_over() -> None:
    """A decoder that is done takes nothing more."""
    decoder = ChunkedBody()
    decoder.feed(b"0\r\n\r\n")

    assert (decoder.feed(b"5\r\n"), decoder.end()) == ((b"", b"5\r\n"), True)


@cases(
    "octets, why",
    {
        "a size is missing": (b"\r\n", "not a number"),
        "an extension holds no NUL": (b"5;a\x00\r\n", "not a number"),
        "an extension holds no CR": (b"5;a\rb\r\n", "not a number"),
        "sixteen digits are too many for us": (b"1" + b"0" * 15 + b"\r\n", "not a number"),
        "a bare LF ends no size": (b"5\n", "without CR"),
        "a bare LF ends no extension": (b"5;a\n", "without CR"),
        "a CR inside a line is seen before its end": (b"5;a\rb", "CR inside"),
        "a chunk is no longer than its size": (b"2\r\nabc", "longer"),
        "a bare LF ends no chunk": (b"2\r\nab\n", "longer"),
        "a bare CR ends no chunk": (b"2\r\nab\rx", "longer"),
        "an extension has an end": (b"5;" + b"a" * 1024, "too long"),
        "no space stands before the colon of a trailer": (b"0\r\nA : b\r\n", "not a field"),
        "a trailer has a colon": (b"0\r\nA\r\n", "not a field"),
        "a trailer is not folded": (b"0\r\n A: b\r\n", "not a field"),
        "a trailer holds no NUL": (b"0\r\nA: \x00\r\n", "not a field"),
        "a bare LF ends no trailer": (b"0\r\nA: b\n", "without CR"),
        "trailers have an end": (b"0\r\n" + b"A: %b\r\n" % (b"b" * 900) * 10, "not a field"),
    },
)
def test_what_is_no_chunk_is_refused_however_it_comes(octets: bytes, why: str) -> None:
    """Two readers might see two bodies (RFC 9112 §7.1)."""
    with pytest.raises(BodyMalformed, match=why):
        ChunkedBody().feed(octets)
    with pytest.raises(BodyMalformed):
        decode(ChunkedBody(), [octets[at : at + 1] for at in range(len(octets))])


SIZE_LINE = re.compile(rb"[0-9A-Fa-f]{1,15}([ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


@given(st.from_regex(rb"[0-9a-fA-Fx ;=\t\r\n\x00\x7f\xff\"a-z]{0,12}", fullmatch=True))
def test_a_size_line_is_a_number_and_visible_extensions(line: bytes) -> None:
    """All else is refused."""
    decoder = ChunkedBody()
    fits = bool(SIZE_LINE.fullmatch(line))

    try:
        decoder.feed(line + b"\r\n")
    except BodyMalformed:
        assert not fits
    else:
        assert fits


@cases(
    "fields, kind, length",
    {
        "without framing fields there is none": ((), NoBody, 0),
        "a length of 0 is an empty one": (((b"Content-Length", b"0"),), LengthBody, 0),
        "names have no case, zeros do not count": (((b"content-LENGTH", b"0012"),), LengthBody, 12),
        "chunked": ((CHUNKED,), ChunkedBody, None),
        "codings have no case": (((b"TRANSFER-encoding", b"Chunked"),), ChunkedBody, None),
        "other fields frame nothing": (((b"Content-Lengthy", b"x"), (b"X", b"y")), NoBody, 0),
        "a look-alike frames nothing": (((b"Content_Length", b"5"),), NoBody, 0),
    },
)
def test_the_fields_of_a_request_say_where_its_body_ends(fields: tuple[Pair, ...], kind: type, length: int) -> None:
    """RFC 9112 §6.3, rules 4 to 7."""
    body = request_body(request_head(b"POST / HTTP/1.1", (b"Host", b"h"), *fields))

    assert (type(body), body.length, body.done) == (kind, length, length == 0)


@cases("method", "POST", "PUT", "PATCH", "post")
def test_a_message_in_http_1_0_says_how_long_it_is(method: str) -> None:
    """Even if it is empty (RFC 1945 §8.3)."""
    with pytest.raises(BodyMalformed, match=r"HTTP/1\.0 without Content-Length"):
        request_body(request_head(method.encode() + b" / HTTP/1.0"))
    assert request_body(request_head(method.encode() + b" / HTTP/1.0", (b"Content-Length", b"0"))).done


@cases("method", "GET", "HEAD", "DELETE")
def test_other_methods_in_http_1_0_need_no_length(method: str) -> None:
    """They have no body as a rule."""
    assert request_body(request_head(method.encode() + b" / HTTP/1.0")) is NO_BODY


@cases(
    "method, behind, may_be",
    ("POST", b"", False),
    ("POST", b"\r\n", False),
    ("POST", b"abc", True),
    ("POST", b"\r\nabc", True),
    ("POST", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
    ("get", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
    ("GET", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", False),
    ("GET", b"\r\nPOST /a?b HTTP/1.0\r\n", False),
    ("GET", b"\r\n\r\n", False),
    ("GET", b"GET / HTTP/1.1", True),
    ("HEAD", b"abc", True),
)
def test_what_is_behind_a_last_request_may_be_its_body(method: str, behind: bytes, *, may_be: bool) -> None:
    """Unless it is clearly the next request."""
    assert may_be_body(method, behind) is may_be


LENGTHS = [
    pytest.param((), None, id="nothing is said"),
    pytest.param((b"Content-Length: 0",), LengthBody, id="0 is said"),
    pytest.param((b"Content-Length: 3",), LengthBody, id="a length is said"),
    pytest.param((b"Transfer-Encoding: chunked",), ChunkedBody, id="chunked"),
]


@cases("lines, kind", *LENGTHS)
def test_method_status_and_length_of_a_response_say_how_its_body_is_read(
    lines: tuple[bytes, ...], kind: type | None
) -> None:
    """RFC 9112 §6.3."""
    whole = grammar.response(b"HTTP/1.1 200 OK", *lines)

    assert type(response_body("GET", whole)) is (kind or CloseBody)
    assert response_body("HEAD", whole) is NO_BODY
    for first in (b"HTTP/1.1 204 x", b"HTTP/1.1 304 x"):
        assert response_body("GET", grammar.response(first, *lines)) is NO_BODY
