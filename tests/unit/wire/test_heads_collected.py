"""Heads collected from pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.heads import HeadCollector, HeadMalformed, HeadTooLong
from tests.cases import cases
from tests.unit.wire.octets import GET


def collect(pieces: list[bytes], limit: int = 400) -> tuple[bytes, bytes]:
    """Return a head and what follows it."""
    collector = HeadCollector(limit)
    rest, found = b"", b""
    for piece in pieces:
        if found:
            rest += piece
            continue
        found, rest = collector.feed(piece)
        assert collector.begun == (not found and bool(b"".join(pieces[: pieces.index(piece) + 1]).strip(b"\r\n")))
    return found, rest


@given(
    before=st.integers(min_value=0, max_value=3),
    after=st.binary(max_size=30),
    places=st.lists(st.integers(min_value=0, max_value=70), max_size=10),
)
def test_every_cut_of_a_head_gives_the_same_head(before: int, after: bytes, places: list[int]) -> None:
    """Empty lines before it are dropped (RFC 9112 §2.2)."""
    octets = b"\r\n" * before + GET + after
    ends = sorted({0, len(octets), *(place for place in places if place < len(octets))})
    collector = HeadCollector(400)
    found = rest = b""

    for a, b in pairwise(ends):
        if found:
            rest += octets[a:b]
        else:
            found, rest = collector.feed(octets[a:b])

    assert (found, rest) == (GET, after)
    assert not collector.begun


def test_a_head_has_begun_with_its_first_octet() -> None:
    """Empty lines before it begin none."""
    collector = HeadCollector(400)
    states = []
    for piece in (b"", b"\r\n\r\n", b"\r", b"\n", b"G", b"ET /a HTTP/1.1\r\n\r\n"):
        collector.feed(piece)
        states.append(collector.begun)

    assert states == [False, False, False, False, True, False]


def test_any_number_of_empty_lines_is_passed_over_in_one_go() -> None:
    """Nothing is left."""
    collector = HeadCollector(400)

    assert collector.feed(b"\r\n" * (128 << 10)) == (b"", b"")
    assert not collector.begun


@cases(
    "pieces, first_line",
    {
        "a line without end": ([b"GET /" + b"a" * 50], True),
        "a line without end, in pieces": ([b"GET /", b"a" * 50], True),
        "a line that ends too late": ([b"GET /" + b"a" * 50 + b" HTTP/1.1\r\n\r\n"], True),
        "fields without end": ([b"GET / HTTP/1.1\r\nA: ", b"b" * 50], False),
        "fields that end too late": ([b"GET / HTTP/1.1\r\nA: " + b"b" * 50 + b"\r\n\r\n"], False),
    },
)
def test_a_head_above_the_limit_is_refused_and_its_part_named(pieces: list[bytes], *, first_line: bool) -> None:
    """The request line gets 414, the fields 431."""
    with pytest.raises(HeadTooLong) as raised:
        collect(pieces, limit=40)

    assert raised.value.first_line is first_line


def test_a_head_of_exactly_the_limit_is_taken() -> None:
    """The last line end counts."""
    assert collect([GET], limit=len(GET)) == (GET, b"")
    with pytest.raises(HeadTooLong):
        collect([GET], limit=len(GET) - 1)


@cases(
    "octets, why",
    {
        "a TLS hello": (b"\x16\x03\x01", "TLS"),
        "a control": (b"\x00", "first byte"),
        "a space": (b" ", "first byte"),
        "an octet beyond ASCII": (b"\xff", "first byte"),
        "a bare LF": (b"\n", "first byte"),
        "a head with bare LFs": (b"GET / HTTP/1.1\n\n", "without CR"),
        "a head that ends in LF CRLF": (b"GET / HTTP/1.1\n\r\n", "without CR"),
    },
)
def test_what_never_becomes_a_head_is_refused_at_once(octets: bytes, why: str) -> None:
    """Its sender would wait in vain."""
    with pytest.raises(HeadMalformed, match=why):
        collect([octets])
    with pytest.raises(HeadMalformed, match=why):
        collect([octets[at : at + 1] for at in range(len(octets))])
