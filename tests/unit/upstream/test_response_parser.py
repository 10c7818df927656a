"""Responses without a socket: bytes in, events out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstream.response_parser import (
    AWAITING,
    BODY,
    COMPLETE,
    END_OF_MESSAGE,
    HEAD,
    MOST_HEADS,
    NEED_DATA,
    ResponseParser,
    ResponseSignal,
    ResponseState,
    idle_time,
)
from proxy.wire.deadlines import NEVER
from proxy.wire.framing import BodyMalformed
from proxy.wire.grammar import ResponseHead
from proxy.wire.heads import HeadMalformed, HeadTooLong
from tests.cases import cases
from tests.fakes.heads import RESPONSES, response_head
from tests.fuzz.claims import cuts

LARGEST_HEAD = 512
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
TWO = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TO_THE_END = b"HTTP/1.0 200 OK\r\n\r\n"

Seen = list[int | bytes | ResponseSignal]
"Events; a head by its status."


def parser_for(method: str = "GET") -> ResponseParser:
    """One whose request had this method."""
    parser = ResponseParser(RESPONSES, LARGEST_HEAD)
    parser.begin(method)
    return parser


def events(parser: ResponseParser, *pieces: bytes) -> Seen:
    """All that these octets say; content in one piece."""
    seen: Seen = []
    for piece in pieces:
        parser.feed(piece)
        while (event := parser.next_event()) is not NEED_DATA:
            if isinstance(event, ResponseHead):
                seen.append(event.status)
            elif isinstance(event, bytes) and seen and isinstance(seen[-1], bytes):
                seen[-1] += event
            else:
                seen.append(event)
    return seen


@cases(
    "method, octets, seen, state, length",
    {
        "nothing": ("GET", b"", [], AWAITING, 0),
        "an empty line": ("GET", b"\r\n", [], HEAD, 0),
        "a part of a head": ("GET", TWO[:20], [], HEAD, 0),
        "an interim response": ("GET", CONTINUE, [], HEAD, 0),
        "a head after interim responses": ("GET", CONTINUE + HINTS + TWO, [200], BODY, 2),
        "a part of a body": ("GET", TWO + b"o", [200, b"o"], BODY, 2),
        "a body": ("GET", TWO + b"ok", [200, b"ok", END_OF_MESSAGE], COMPLETE, 2),
        "no body after HEAD": ("HEAD", TWO, [200, END_OF_MESSAGE], COMPLETE, 0),
        "no body with 204": ("GET", b"HTTP/1.1 204 .\r\n\r\n", [204, END_OF_MESSAGE], COMPLETE, 0),
        "no body with 304": ("GET", TWO.replace(b"200", b"304"), [304, END_OF_MESSAGE], COMPLETE, 0),
        "an empty body": ("GET", TWO.replace(b": 2", b": 0"), [200, END_OF_MESSAGE], COMPLETE, 0),
        "a chunk": ("GET", CHUNKS + b"2\r\nok\r\n", [200, b"ok"], BODY, None),
        "no chunk": ("GET", CHUNKS + b"0\r\n\r\n", [200, END_OF_MESSAGE], COMPLETE, None),
        "chunks": (
            "GET",
            CHUNKS + b"2\r\nok\r\n1;x\r\n!\r\n0\r\nT: v\r\n\r\n",
            [200, b"ok!", END_OF_MESSAGE],
            COMPLETE,
            None,
        ),
        "a body up to the end": ("GET", TO_THE_END + b"ok", [200, b"ok"], BODY, None),
    },
)
def test_octets_say(method: str, octets: bytes, seen: Seen, state: ResponseState, length: int | None) -> None:
    """Its events, state, and length."""
    parser = parser_for(method)

    assert (events(parser, octets), parser.state, parser.excess) == (seen, state, False)
    assert parser.length == length


@cases(
    "octets, complete, state",
    {
        "nothing": (b"", False, AWAITING),
        "a part of a head": (TWO[:20], False, HEAD),
        "a part of a body": (TWO + b"o", False, BODY),
        "no last chunk": (CHUNKS + b"2\r\nok\r\n", False, BODY),
        "a body up to the end": (TO_THE_END + b"ok", True, COMPLETE),
        "a whole response": (TWO + b"ok", True, COMPLETE),
    },
)
def test_the_end_of_the_connection_says(octets: bytes, state: ResponseState, *, complete: bool) -> None:
    """RFC 9112 §8."""
    parser = parser_for()
    events(parser, octets)

    assert (parser.feed_eof(), parser.state) == (complete, state)


@cases(
    "octets, error, why",
    {
        "no HTTP": (b"220 smtp.example ESMTP\r\n\r\n", HeadMalformed, "version"),
        "101": (b"HTTP/1.1 101 .\r\nUpgrade: x\r\n\r\n", HeadMalformed, "101"),
        "interim responses without end": (CONTINUE * MOST_HEADS + TWO, HeadMalformed, "interim"),
        "a head without end": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * LARGEST_HEAD, HeadTooLong, "^$"),
        "no chunk": (CHUNKS + b"zz\r\n", BodyMalformed, "not a number"),
    },
)
def test_what_is_no_response_raises(octets: bytes, error: type[Exception], why: str) -> None:
    """However it is cut."""
    for pieces in cuts(octets):
        with pytest.raises(error, match=why):
            events(parser_for(), *pieces)


def test_so_many_interim_responses_are_passed_over() -> None:
    """The last that is let through."""
    assert events(parser_for(), CONTINUE * (MOST_HEADS - 1) + TWO) == [200]


@cases("pieces", {"in one piece": [TWO + b"okH"], "in two": [TWO + b"ok", b"H"]})
def test_octets_behind_a_response_are_excess(pieces: list[bytes]) -> None:
    """They give no event."""
    parser = parser_for()

    assert (events(parser, *pieces), parser.excess) == ([200, b"ok", END_OF_MESSAGE], True)


def test_one_response_follows_the_other() -> None:
    """Each begins anew."""
    parser = parser_for("HEAD")
    assert events(parser, CONTINUE * (MOST_HEADS - 1) + TWO) == [200, END_OF_MESSAGE]

    parser.begin("GET")
    assert parser.state is AWAITING
    assert events(parser, CONTINUE * (MOST_HEADS - 1) + TWO + b"ok") == [200, b"ok", END_OF_MESSAGE]


def test_before_a_request_nothing_is_read() -> None:
    """Whatever comes is excess."""
    parser = ResponseParser(RESPONSES, LARGEST_HEAD)
    parser.feed(TWO)

    assert (parser.next_event(), parser.excess) == (NEED_DATA, True)


CONTENT = st.binary(max_size=300)


def with_length(content: bytes) -> bytes:
    """A response with Content-Length."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


def in_chunks(pieces: list[bytes]) -> bytes:
    """A response in chunks."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return CHUNKS + chunks + b"0\r\nT: v\r\n\r\n"


@given(
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    before=st.lists(st.sampled_from([CONTINUE, HINTS, b"\r\n"]), max_size=4),
    response=st.one_of(
        CONTENT.map(with_length), st.lists(CONTENT, max_size=5).map(in_chunks), CONTENT.map(TO_THE_END.__add__)
    ),
    behind=st.sampled_from([b"", b"H", b"\r\n", TWO]),
    places=st.lists(st.integers(min_value=0, max_value=1500), max_size=12),
)
def test_the_events_are_the_same_however_octets_are_cut(
    method: str, before: list[bytes], response: bytes, behind: bytes, places: list[int]
) -> None:
    """Pieces may be empty."""
    octets = b"".join(before) + response + behind
    ends = [0, *sorted(min(place, len(octets)) for place in places), len(octets)]
    whole, cut = parser_for(method), parser_for(method)

    seen = events(cut, *[octets[start:end] for start, end in pairwise(ends)])

    assert seen == events(whole, octets)
    assert (cut.state, cut.length) == (whole.state, whole.length)
    assert cut.feed_eof() == whole.feed_eof()


@cases(
    "values, seconds",
    ((), NEVER),
    ((b"timeout=5, max=100",), 4),
    ((b"max=100, Timeout = 60",), 59),
    ((b'timeout="7"',), 6),
    ((b"timeout=0",), -1),
    ((b"timeout=20", b"timeout=10"), 9),
    ((b"max=100",), NEVER),
    ((b"notimeout=5",), NEVER),
    ((b"timeout=soon",), NEVER),
    ((b"timeout=9999999999",), NEVER),
)
def test_an_upstream_s_timeout_ends_a_second_earlier(values: tuple[bytes, ...], seconds: float) -> None:
    """The smallest counts."""
    fields = ((b"Connection", b"keep-alive"), *((b"KEEP-alive", value) for value in values))

    assert idle_time(response_head(b"HTTP/1.1 200 OK", *fields)) == seconds
