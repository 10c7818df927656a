"""How lenient servers may read a path."""

import re
from collections.abc import Iterator
from itertools import product
from urllib.parse import unquote_to_bytes

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.forwarding.path_readings import LONGEST, PathReading, climbs, readings
from tests.cases import cases
from tests.fakes.spellings import CLIMBING, STAYING, flat, spelled

PIECES = rb".. . / \ %2e %2f %5c %252e %252f %25 2e % ; %3b x".split()
ODD = b";x a B ? + %20 %09 %00 %c0%ae %c0%af %c1%9c %e0%80%ae %3f %23".split()
RESTS = st.lists(st.sampled_from([*PIECES, *ODD]), max_size=10).map(lambda pieces: b"/" + b"".join(pieces))


@cases("rest", *flat(CLIMBING))
def test_a_path_that_somebody_could_read_as_leading_out_climbs(rest: bytes) -> None:
    """The spellings use one trick each, or several."""
    assert climbs(rest)


@cases("rest", *STAYING)
def test_a_path_that_stays_below_its_prefix_does_not_climb(rest: bytes) -> None:
    """A query does not count."""
    assert not climbs(rest)


@cases("octets, climbing", (LONGEST, False), (LONGEST + 1, True))
def test_a_long_path_with_dots_counts_as_climbing(octets: int, *, climbing: bool) -> None:
    """Reading it closely would take too long."""
    assert climbs(b"/a/../".ljust(octets, b"x")) is climbing


def test_a_long_path_without_dots_does_not_climb() -> None:
    """The number of escapes does not matter."""
    assert not climbs(b"/%41;v=1" * LONGEST)


@given(RESTS | st.binary(max_size=30))
@example(b"/a%2fb/../..")
@example(b"/;%2fb/%2e%2e")
@example(b"/a%c0%afb/%2e%2e/%2e%2e")
def test_whatever_some_server_reads_as_leading_out_climbs(rest: bytes) -> None:
    """Each of the servers has its own habits."""
    if any(leaves(server(rest)) for server in SERVERS):
        assert climbs(rest)


@cases(
    "rest, reading",
    (b"", PathReading((), certain=True)),
    (b"/", PathReading((), certain=True)),
    (b"/a/B/", PathReading(("a", "b"), certain=True)),
    (b"/a?/b", PathReading(("a",), certain=True)),
    (b"/a.b/1:2", PathReading(("a.b", "1:2"), certain=True)),
    (b"/a//./B%2fc%3bx", PathReading(("a", "b", "c"), certain=True)),
    (b"/a/../b", PathReading(("a", "b"), certain=False)),
    (b"/a/..;x/b", PathReading(("a", "b"), certain=False)),
    (b"/a;x%2fy/b", PathReading(("a", "y", "b"), certain=False)),
    (b"/a;x/b;y", PathReading(("a", "b"), certain=True)),
    (b"/%c5%bf%E2%84%AA%c4%b0%c4%b1", PathReading(("skii",), certain=True)),
)
def test_a_path_is_read_as_names(rest: bytes, reading: PathReading) -> None:
    """Case is folded as in Java."""
    assert readings(rest) == [reading]


def test_nul_is_read_in_two_ways() -> None:
    """A server may drop it, or end there."""
    assert {reading.names for reading in readings(b"/a%00b/c")} == {("a", "c"), ("ab", "c")}


def test_a_long_path_with_parameters_is_read_as_uncertain() -> None:
    """Its parameters are not read."""
    assert [each.certain for each in readings(b"/a;b" * LONGEST)] == [False]


@cases("rest", *flat(spelled("/orders")))
def test_a_spelling_is_read_as_what_it_hides(rest: bytes) -> None:
    """One of the readings has the path."""
    assert any(may_be_below(reading, ("orders",)) for reading in readings(rest))


@given(RESTS)
def test_what_a_server_reads_is_among_the_readings(rest: bytes) -> None:
    """This holds for each of the servers."""
    for server in SERVERS:
        seen = below(server(rest))
        for length in range(1, len(seen) + 1):
            assert any(may_be_below(reading, canonical(seen[:length])) for reading in readings(rest))


def canonical(names: list[bytes]) -> tuple[str, ...]:
    """A route's prefix of these segments."""
    return readings(b"/" + b"/".join(names).replace(b"?", b"%3f"))[0].names


def may_be_below(reading: PathReading, names: tuple[str, ...]) -> bool:
    """Whether the path may lie below the names."""
    if reading.certain:
        return reading.names[: len(names)] == names
    rest = iter(reading.names)
    return all(name in rest for name in names)


class Server:
    """One of many servers, with its habits."""

    def __init__(self, decodings: int, *habits: bool) -> None:
        self._decodings = decodings
        self._backslash, self._early, self._late, self._overlong, self._trim, self._merge = habits

    def __call__(self, rest: bytes) -> list[bytes]:
        """The segments, before dots are looked at."""
        path = rest.split(b"?")[0]
        if self._early:
            path = re.sub(rb";[^/]*", b"", path)
        for _ in range(self._decodings):
            path = unquote_to_bytes(path)
            if self._overlong:
                path = overlong(path)
        if self._backslash:
            path = path.replace(b"\\", b"/")
        if self._late:
            path = re.sub(rb";[^/]*", b"", re.split(rb"[?#\0]", path)[0])
        segments = path.split(b"/")
        if self._trim:
            segments = [segment.strip(b"\0\t\n\r +") for segment in segments]
        return [segment for segment in segments if segment] if self._merge else segments


SERVERS = [Server(decodings, *habits) for decodings in range(3) for habits in product((False, True), repeat=6)]


def overlong(path: bytes) -> bytes:
    """What old decoders read."""
    for octets, meant in ((b"\xc0\xae", b"."), (b"\xe0\x80\xae", b"."), (b"\xc0\xaf", b"/"), (b"\xc1\x9c", b"\\")):
        path = path.replace(octets, meant)
    return path


def depths(segments: list[bytes]) -> Iterator[int]:
    """How deep each segment leads."""
    depth = 0
    for segment in segments:
        depth += -1 if segment == b".." else segment not in (b"", b".")
        yield depth


def leaves(segments: list[bytes]) -> bool:
    """Whether some segment leads out."""
    return any(depth < 0 for depth in depths(segments))


def below(segments: list[bytes]) -> list[bytes]:
    """What RFC 3986 §5.2.4 leaves, without empty segments."""
    stack: list[bytes] = []
    for segment in segments:
        if segment == b"..":
            stack[-1:] = []
        elif segment != b".":
            stack.append(segment)
    return [segment for segment in stack if segment]
