"""Requests as they arrive: bytes in, events out."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import HeadTooLarge, LengthRequired, RequestMalformed, TargetTooLong, VersionUnsupported
from proxy.server.request_parser import (
    BETWEEN,
    CONTENT,
    DONE,
    END,
    ENDED,
    ERROR,
    HEAD,
    IN_BODY,
    IN_HEAD,
    MALFORMED,
    NEED_DATA,
    PAUSED,
    RequestEvent,
    RequestParser,
    RequestPhase,
    body_length,
    expects_continue,
    unframed,
)
from tests.cases import cases
from tests.fakes.heads import REQUESTS, request_head

GET = b"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSE = b"GET /l HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
OLD_POST = b"POST / HTTP/1.0\r\n\r\n"

Seen = tuple[RequestEvent, bytes]
"An event, and what it is about: the target of a head, content, the kind of an error."


def parser() -> RequestParser:
    """A parser of small heads."""
    return RequestParser(REQUESTS, max_head=256, max_fields=4)


def events(reading: RequestParser, *pieces: bytes) -> list[Seen]:
    """Each request is answered when whole."""
    seen: list[Seen] = []
    for piece in pieces:
        reading.feed(piece)
        while (event := reading.next_event()) not in (NEED_DATA, PAUSED):
            seen.append((event, about(reading, event)))
            if event is END:
                reading.next_request()
    return seen


def about(reading: RequestParser, event: RequestEvent) -> bytes:
    """What of the parser an event is about."""
    if event is HEAD and reading.head is not None:
        return reading.head.target
    return type(reading.error).__name__.encode() if event is MALFORMED else reading.consume()


def joined(seen: Iterable[Seen]) -> list[Seen]:
    """With the content of a whole body at its end."""
    content, result = b"", list[Seen]()
    for event, what in seen:
        if event is CONTENT:
            content += what
        else:
            result.append((event, content + what if event is END else what))
            content = b""
    return result


@cases(
    "pieces, seen, phase, held",
    {
        "nothing": ([b""], [], BETWEEN, b""),
        "empty lines": ([b"\r\n\r\n"], [], BETWEEN, b""),
        "half a head": ([GET[:5]], [], IN_HEAD, b""),
        "no body": ([GET], [(HEAD, b"/a?b"), (END, b"")], BETWEEN, b""),
        "a head in two": ([GET[:5], GET[5:]], [(HEAD, b"/a?b"), (END, b"")], BETWEEN, b""),
        "an empty line in front": ([b"\r\n" + GET], [(HEAD, b"/a?b"), (END, b"")], BETWEEN, b""),
        "a body with its head": ([POST + b"abc"], [(HEAD, b"/p"), (END, b"abc")], BETWEEN, b""),
        "a body to come": ([POST], [(HEAD, b"/p")], IN_BODY, b""),
        "a body in three": (
            [POST + b"a", b"b", b"c"],
            [(HEAD, b"/p"), (CONTENT, b"a"), (CONTENT, b"b"), (END, b"c")],
            BETWEEN,
            b"",
        ),
        "a chunk to come": ([CHUNKED + b"2\r\n"], [(HEAD, b"/c")], IN_BODY, b""),
        "chunks with their head": ([CHUNKED + b"2\r\nab\r\n0\r\n\r\n"], [(HEAD, b"/c"), (END, b"ab")], BETWEEN, b""),
        "pipelined": (
            [POST + b"abc" + POST + b"defGE"],
            [(HEAD, b"/p"), (END, b"abc"), (HEAD, b"/p"), (END, b"def")],
            IN_HEAD,
            b"",
        ),
        "no request": ([b"GET /a\r\n\r\n" + GET, GET], [(MALFORMED, b"RequestMalformed")], ERROR, b""),
        "no chunk": ([CHUNKED + b"zz\r\n" + GET, GET], [(HEAD, b"/c"), (MALFORMED, b"RequestMalformed")], ERROR, b""),
    },
)
def test_octets_come_to_events(pieces: list[bytes], seen: list[Seen], phase: RequestPhase, held: bytes) -> None:
    """Between requests, within one, or done."""
    reading = parser()
    assert events(reading, *pieces) == seen
    assert (reading.phase, reading.held) == (phase, held)


@cases(
    "octets, error",
    (b"GET /a\r\n\r\n", RequestMalformed),
    (b"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", RequestMalformed),
    (OLD_POST, RequestMalformed),
    (b"GET /a HTTP/2.0\r\n\r\n", VersionUnsupported),
    (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n\r\n", TargetTooLong),
    (b"GET /a HTTP/1.1\r\nX: " + b"a" * 300 + b"\r\n\r\n", HeadTooLarge),
    (b"GET /a HTTP/1.1\r\n" + b"X: x\r\n" * 5 + b"\r\n", HeadTooLarge),
)
def test_what_is_no_request_is_malformed(octets: bytes, error: type[Exception]) -> None:
    """Nothing of it, or behind it, is kept."""
    reading = parser()
    assert events(reading, octets + GET) == [(MALFORMED, error.__name__.encode())]
    reading.feed(GET)
    assert (reading.next_event(), reading.head, reading.held, reading.quiet) == (PAUSED, None, b"", False)


requests = st.lists(
    st.one_of(
        st.just(GET),
        st.just(b"\r\n" + GET),
        st.binary(max_size=40).map(lambda body: POST.replace(b"3", b"%d" % len(body)) + body),
        st.lists(st.binary(min_size=1, max_size=9), max_size=4).map(
            lambda chunks: CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
        ),
    ),
    max_size=4,
)
ends = st.sampled_from([b"", b"junk\r\n\r\n", CHUNKED + b"1\r\na;", POST + b"a", GET[:9], CLOSE])


@given(requests, ends, st.data())
def test_octets_come_to_the_same_however_they_are_cut(whole: list[bytes], end: bytes, data: st.DataObject) -> None:
    """The last one may be incomplete."""
    octets = b"".join(whole) + end
    places = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    pieces = [octets[one:two] for one, two in zip([0, *places], [*places, len(octets)], strict=True)]
    together, cut, single = parser(), parser(), parser()

    seen = joined(events(together, octets))
    assert joined(events(cut, *pieces)) == seen
    assert joined(events(single, *(octets[at : at + 1] for at in range(len(octets))))) == seen
    assert together.phase is cut.phase is single.phase
    assert len([event for event, _ in seen if event is END]) == len(whole) + (end == CLOSE)


@given(requests, st.integers(1, 50))
def test_what_comes_behind_a_request_is_held_until_it_is_answered(whole: list[bytes], size: int) -> None:
    """RFC 9112 §9.3.2."""
    reading, octets = parser(), POST + b"abc" + b"".join(whole)
    for at in range(0, len(octets), size):
        reading.feed(octets[at : at + size])
        while reading.next_event() not in (NEED_DATA, PAUSED):
            pass
    assert (reading.phase, reading.next_event(), reading.held) == (DONE, PAUSED, b"".join(whole))

    reading.consume()
    reading.next_request()
    assert joined(events(reading, b"")) == joined(events(parser(), b"".join(whole)))


@cases(
    "octets, behind, overrun",
    (CLOSE, b"abc", True),
    (CLOSE, b"", False),
    (CLOSE, b"\r\n", False),
    (b"GET /a HTTP/1.0\r\n\r\n", b"abc", True),
    (GET, b"abc", False),
    (POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\nabc"), b"abc", False),
)
def test_octets_behind_a_last_request_without_framing_overrun_it(octets: bytes, behind: bytes, overrun: bool) -> None:
    """They may be its body (RFC 9112 §2.2)."""
    reading = parser()
    reading.feed(octets)
    early = (reading.next_event(), reading.overrun, reading.next_event(), reading.overrun)
    reading.feed(behind)
    assert (early, reading.overrun) == ((HEAD, False, END, False), overrun)
    assert reading.quiet is (behind in (b"", b"\r\n"))


def test_an_overrun_says_whether_the_message_may_have_been_delivered() -> None:
    """In its text."""
    texts = [unframed(delivered=each) for each in (False, True)]
    assert [type(each) for each in texts] == [LengthRequired] * 2
    assert ["may have been delivered" in str(each) for each in texts] == [False, True]


@cases("octets, event", (b"", PAUSED), (GET[:5], PAUSED), (GET, PAUSED), (POST, MALFORMED), (POST + b"a", MALFORMED))
def test_an_end_in_the_middle_of_a_body_is_malformed(octets: bytes, event: RequestEvent) -> None:
    """RFC 9112 §8."""
    reading = parser()
    events(reading, octets)
    assert (reading.end(), isinstance(reading.error, RequestMalformed)) == (event, event is MALFORMED)
    assert (reading.phase, reading.next_event(), reading.quiet) == (ENDED, PAUSED, True)


def test_nothing_of_a_request_is_kept_behind_it() -> None:
    """Heads hold credentials."""
    reading = parser()
    events(reading, POST + b"abc")
    assert (reading.head, reading.content, reading.held) == (None, b"", b"")
    assert repr(reading) == "<RequestParser between requests, 0 held>"


@cases(
    "first, fields, length, expects",
    (b"POST / HTTP/1.1", [], 0, False),
    (b"POST / HTTP/1.1", [(b"Expect", b"100-continue")], 0, False),
    (b"POST / HTTP/1.1", [(b"Expect", b"100-continue"), (b"Content-Length", b"0")], 0, False),
    (b"POST / HTTP/1.1", [(b"Expect", b"100-continue"), (b"Content-Length", b"3")], 3, True),
    (b"POST / HTTP/1.0", [(b"Expect", b"100-continue"), (b"Content-Length", b"3")], 3, False),
    (b"POST / HTTP/1.1", [(b"Expect", b"100-continue"), (b"Transfer-Encoding", b"chunked")], None, True),
    (b"POST / HTTP/1.1", [(b"Transfer-Encoding", b"chunked")], None, False),
)
def test_only_a_body_is_waited_for(
    first: bytes,
    fields: list[tuple[bytes, bytes]],
    length: int | None,
    expects: bool,
) -> None:
    """RFC 9110 §10.1.1."""
    head = request_head(first, (b"Host", b"h"), *fields)
    assert (body_length(head), expects_continue(head)) == (length, expects)
