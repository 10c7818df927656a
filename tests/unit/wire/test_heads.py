"""Heads of requests and responses; also pins what is relied on of aiohttp's C parsers."""

import re

import aiohttp.http
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire import heads
from proxy.wire.heads import (
    HeadCollector,
    HeadMalformed,
    HeadTooLong,
    RequestHead,
    RequestParser,
    ResponseHead,
    ResponseParser,
    VersionOther,
    assert_compiled,
    check,
)

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
    return RequestParser().parse(head(first, b"Host: h", *lines), 100)


def parse_response(first: bytes, *lines: bytes) -> ResponseHead:
    """Parse a response's head."""
    return ResponseParser().parse(head(first, *lines))


# ---- what a head becomes


@given(target=PATH, fields=FIELDS)
def test_target_and_fields_of_a_request_survive_byte_for_byte(
    target: bytes, fields: list[tuple[bytes, bytes]]
) -> None:
    """Case, order, repetition and octets beyond ASCII stay; only white space around values goes."""
    lines = [name + b": " + value for name, value in fields]

    assert parse(b"POST " + target + b" HTTP/1.1", *lines) == RequestHead(
        "POST", target, 1, ((b"Host", b"h"), *fields), persistent=True
    )


@given(reason=VALUE, status=st.integers(min_value=200, max_value=999), fields=FIELDS)
def test_status_reason_and_fields_of_a_response_survive_byte_for_byte(
    reason: bytes, status: int, fields: list[tuple[bytes, bytes]]
) -> None:
    """What the upstream says of itself is not ours to change."""
    lines = [name + b":" + value for name, value in fields]
    parsed = parse_response(b"HTTP/1.1 %d %b" % (status, reason), *lines, b"Content-Length: 0")

    assert parsed == ResponseHead(status, reason, 1, (*fields, (b"Content-Length", b"0")), persistent=True)


REQUESTS = st.sampled_from(
    [
        GET,
        head(b"POST /b HTTP/1.1", b"Host: h", b"Content-Length: 5"),
        head(b"POST /c HTTP/1.1", b"Host: h", b"Transfer-Encoding: chunked"),
        head(b"GET /d HTTP/1.1", b"Host: h", b"Connection: close"),
        head(b"GET /e HTTP/1.1", b"Host: h", b"Connection: upgrade", b"Upgrade: websocket"),
        head(b"CONNECT h:1 HTTP/1.1", b"Host: h"),
        head(b"GET /f HTTP/1.0", b"Connection: keep-alive"),
    ]
)
BROKEN = head(b"GET /x HTTP/1.1", b"Host h")


@given(st.lists(REQUESTS | st.just(BROKEN), max_size=8))
def test_no_request_changes_how_the_next_is_read(octets: list[bytes]) -> None:
    """One parser for a connection reads each head as a new parser does; bodies never reach it."""
    parser = RequestParser()
    for each in octets:
        if each is BROKEN:
            with pytest.raises(HeadMalformed):
                parser.parse(each, 100)
        else:
            assert parser.parse(each, 100) == RequestParser().parse(each, 100)


RESPONSES = st.sampled_from(
    [
        head(b"HTTP/1.1 200 OK", b"Content-Length: 5"),
        head(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked"),
        head(b"HTTP/1.1 200 OK"),
        head(b"HTTP/1.1 100 Continue"),
        head(b"HTTP/1.1 103 Early Hints", b"Link: x"),
        head(b"HTTP/1.1 101 Switching Protocols", b"Connection: upgrade", b"Upgrade: x"),
        head(b"HTTP/1.1 204 No Content"),
        head(b"HTTP/1.1 304 Not Modified", b"Content-Length: 5"),
        head(b"HTTP/1.0 200 OK", b"Connection: keep-alive", b"Content-Length: 1"),
    ]
)


@given(st.lists(RESPONSES, max_size=8))
def test_no_response_changes_how_the_next_is_read(octets: list[bytes]) -> None:
    """One parser for a connection reads each head as a new parser does."""
    parser = ResponseParser()
    for each in octets:
        assert parser.parse(each) == ResponseParser().parse(each)


@given(
    octets=st.one_of(
        st.binary(max_size=80),
        st.tuples(st.binary(max_size=40), st.binary(max_size=40)).map(
            lambda pair: b"GET /" + pair[0] + b" HTTP/1.1\r\nHost: h\r\n" + pair[1] + b"\r\n\r\n"
        ),
        st.from_regex(rb"(GET|POST|x) [!-~]{0,20} HTTP/1\.[01]\r\n([!-~]{0,8}:[ -~]{0,12}\r\n){0,3}\r\n", fullmatch=True),
    )
)
def test_whatever_comes_is_a_head_or_malformed(octets: bytes) -> None:
    """No other exception escapes, and what is wrong is said on one line."""
    for parser in (RequestParser(), ResponseParser()):
        try:
            if isinstance(parser, RequestParser):
                parser.parse(octets, 100)
            else:
                parser.parse(octets)
        except HeadMalformed as error:
            assert re.fullmatch("[ -~]+", str(error))


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(head(b"GET http://canary:99999/ HTTP/1.1", b"Host: h"), id="in a URL with an impossible port"),
        pytest.param(head(b"GET http://[canary/ HTTP/1.1", b"Host: h"), id="in a URL with half a bracket"),
        pytest.param(head(b"GET canary HTTP/1.1", b"Host: h"), id="in a target that is no URL"),
        pytest.param(head(b"canary / HTTP/1.1", b"Host: h"), id="in a method"),
        pytest.param(head(b"GET / canary", b"Host: h"), id="in a version"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"canary"), id="in a line without colon"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"canary : x"), id="in a name"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"Content-Length: canary"), id="in a length"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"Transfer-Encoding: chunked, canary"), id="in a coding"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"X: \x00canary"), id="in a value"),
    ],
)
def test_what_is_wrong_with_a_head_does_not_quote_it(octets: bytes) -> None:
    """Targets and fields hold secrets, and the text goes into an answer and the log."""
    with pytest.raises(HeadMalformed) as raised:
        RequestParser().parse(octets, 100)

    assert "canary" not in str(raised.value)


# ---- versions


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3.1"])
def test_another_version_in_a_request_is_told_from_a_malformed_one(version: bytes) -> None:
    """RFC 9110 §15.6.6: it gets 505."""
    with pytest.raises(VersionOther):
        parse(b"GET / " + version)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"GET /", id="none (HTTP/0.9)"),
        pytest.param(b"DESCRIBE / RTSP/1.0", id="of RTSP"),
        pytest.param(b"GET / ICE/1.0", id="of Icecast"),
        pytest.param(b"GET / http/1.1", id="in lower case (RFC 9112 §2.3)"),
        pytest.param(b"GET / HTTP/1.10", id="with two digits"),
        pytest.param(b"GET / HTTP/11", id="without a dot"),
        pytest.param(b"GET / HTTP/1.1 ", id="with a space behind"),
        pytest.param(b"", id="of an empty line"),
    ],
)
def test_a_request_line_without_our_versions_is_malformed(first: bytes) -> None:
    """The parser alone would take the first two."""
    with pytest.raises(HeadMalformed) as raised:
        parse(first)

    assert not isinstance(raised.value, VersionOther)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/0.9 200 OK", id="HTTP/0.9"),
        pytest.param(b"HTTP/1.2 200 OK", id="HTTP/1.2"),
        pytest.param(b"HTTP/2.0 200 OK", id="HTTP/2.0"),
        pytest.param(b"http/1.1 200 OK", id="lower case"),
        pytest.param(b"ICY 200 OK", id="Icecast"),
        pytest.param(b"HTTP/1.1 abc", id="a status that is no number"),
        pytest.param(b"HTTP/1.1 20", id="a status of two digits"),
        pytest.param(b"HTTP/1.1 2000 x", id="a status of four digits"),
        pytest.param(b"HTTP/1.1 000 x", id="a status below 100"),
        pytest.param(b"HTTP/1.1 099 x", id="a status below 100 with a digit"),
        pytest.param(b"HTTP/1.1  200 OK", id="two spaces"),
        pytest.param(b"HTTP/1.1\t200 OK", id="a tab"),
    ],
)
def test_a_status_line_that_is_none_is_malformed(first: bytes) -> None:
    """RFC 9112 §4."""
    with pytest.raises(HeadMalformed):
        parse_response(first, b"Content-Length: 0")


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        pytest.param(b"HTTP/1.1 200 ", b"", id="an empty reason"),
        pytest.param(b"HTTP/1.1 200", b"", id="no reason and no space"),
        pytest.param(b"HTTP/1.1 200 \xc3\xa4 \xff", b"\xc3\xa4 \xff", id="a reason beyond ASCII"),
    ],
)
def test_a_reason_may_be_anything(first: bytes, reason: bytes) -> None:
    """RFC 9112 §4: it is there for people."""
    assert parse_response(first).reason == reason


# ---- persistence


PERSISTENCE = [
    pytest.param(1, (), True, id="HTTP/1.1 goes on"),
    pytest.param(1, (b"Connection: close",), False, id="close ends it"),
    pytest.param(1, (b"Connection: x, CLOSE",), False, id="options have no case"),
    pytest.param(1, (b"Connection: close, keep-alive",), False, id="close wins over keep-alive"),
    pytest.param(1, (b"Connection: keep-alive, close",), False, id="close wins in any order"),
    pytest.param(1, (b"Connection: x", b"Connection: close"), False, id="a second line counts"),
    pytest.param(1, (b"Connection: closed",), True, id="closed is not close"),
    pytest.param(1, (b"Connection: upgrade", b"Upgrade: h2c"), True, id="an upgrade does not end it"),
    pytest.param(0, (), False, id="HTTP/1.0 ends"),
    pytest.param(0, (b"Connection: Keep-Alive",), True, id="HTTP/1.0 with keep-alive goes on"),
    pytest.param(0, (b"Connection: close, keep-alive",), False, id="close wins in HTTP/1.0"),
    pytest.param(0, (b"Connection: keep-alive", b"X: close", b"connection: Close"), False, id="on a second line too"),
    pytest.param(0, (b"Proxy-Connection: keep-alive",), True, id="to the parser Proxy-Connection is Connection"),
]


@pytest.mark.parametrize(("minor", "lines", "persistent"), PERSISTENCE)
def test_connection_options_say_whether_a_request_is_the_last(
    minor: int, lines: tuple[bytes, ...], persistent: bool
) -> None:
    """RFC 9112 §9.3."""
    assert parse(b"GET / HTTP/1.%d" % minor, *lines).persistent is persistent


@pytest.mark.parametrize(("minor", "lines", "persistent"), PERSISTENCE)
def test_connection_options_say_whether_a_response_is_the_last(
    minor: int, lines: tuple[bytes, ...], persistent: bool
) -> None:
    """RFC 9112 §9.3."""
    assert parse_response(b"HTTP/1.%d 200 OK" % minor, *lines, b"Content-Length: 0").persistent is persistent


def test_a_response_that_ends_with_its_connection_is_the_last() -> None:
    """RFC 9112 §9.3: without a length nothing can follow it."""
    assert not parse_response(b"HTTP/1.1 200 OK").persistent


# ---- what the parsers accept and refuse


@pytest.mark.parametrize(
    ("first", "lines"),
    [
        pytest.param(b"GET  / HTTP/1.1", (), id="two spaces in the request line (RFC 9112 §3 lets it be lenient)"),
        pytest.param(b"PROPFIND / HTTP/1.1", (), id="methods of WebDAV"),
        pytest.param(b"GET /%zz%00%2e HTTP/1.1", (), id="escapes of any kind, undecoded"),
        pytest.param(b"GET //h/..//x HTTP/1.1", (), id="paths that nobody has normalised"),
        pytest.param(b"GET /a#b HTTP/1.1", (), id="a fragment, which the routes refuse"),
        pytest.param(b"GET http://h/x HTTP/1.1", (), id="absolute-form (RFC 9112 §3.2.2)"),
        pytest.param(b"CONNECT h:443 HTTP/1.1", (), id="authority-form, which admission refuses"),
        pytest.param(b"OPTIONS * HTTP/1.1", (), id="asterisk-form, which admission refuses"),
        pytest.param(b"GET / HTTP/1.1", (b"X:\t y \t",), id="white space around values"),
        pytest.param(b"GET / HTTP/1.1", (b"X:",), id="empty values"),
        pytest.param(b"GET / HTTP/1.1", (b"X: \xff\xc3\xa4",), id="octets beyond ASCII in values (RFC 9110 §5.5)"),
        pytest.param(b"GET / HTTP/1.1", (b"!#$%&'*+-.^_`|~9aZ: y",), id="names of all token octets (§5.6.2)"),
        pytest.param(b"POST / HTTP/1.1", (b"Transfer-Encoding: gzip, chunked",), id="codings that framing refuses"),
    ],
)
def test_the_parser_takes(first: bytes, lines: tuple[bytes, ...]) -> None:
    """Relied on: what is forwarded or refused elsewhere is not refused here."""
    assert parse(first, *lines).target == first.split()[1]


@pytest.mark.parametrize(
    ("first", "lines"),
    [
        pytest.param(b"get / HTTP/1.1", (), id="methods in lower case (RFC 9110 §9.1: they have case)"),
        pytest.param(b"BREW / HTTP/1.1", (), id="methods that nobody registered"),
        pytest.param(b"GET\t/ HTTP/1.1", (), id="a tab in the request line (RFC 9112 §3)"),
        pytest.param(b"GET /a b HTTP/1.1", (), id="a space in the target (§3.2)"),
        pytest.param(b"GET /\xc3\xa4 HTTP/1.1", (), id="a target beyond ASCII (RFC 3986 §2)"),
        pytest.param(b"GET a HTTP/1.1", (), id="a relative target (§3.2)"),
        pytest.param(b"GET * HTTP/1.1", (), id="an asterisk without OPTIONS (§3.2.4)"),
        pytest.param(b" GET / HTTP/1.1", (), id="a space before the method"),
        pytest.param(b"GET / HTTP/1.1", (b"Host: i",), id="a second Host (§3.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X : y",), id="a space before the colon (§5.1)"),
        pytest.param(b"GET / HTTP/1.1", (b": y",), id="an empty name"),
        pytest.param(b"GET / HTTP/1.1", (b"X(y): z",), id="a name with a delimiter (RFC 9110 §5.6.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"\xc3\xa4: z",), id="a name beyond ASCII"),
        pytest.param(b"GET / HTTP/1.1", (b"nothing",), id="a line without colon"),
        pytest.param(b"POST / HTTP/1.1", (b"Content-Length: 5", b"Content-Length: 5"), id="a length twice (§6.3)"),
        pytest.param(b"POST / HTTP/1.1", (b"Content-Length: 5, 5",), id="a list of lengths"),
        pytest.param(b"POST / HTTP/1.1", (b"Content-Length: +5",), id="a length with a sign (RFC 9110 §8.6)"),
        pytest.param(b"POST / HTTP/1.1", (b"Content-Length:",), id="an empty length"),
        pytest.param(b"POST / HTTP/1.1", (b"Content-Length: 1", b"Transfer-Encoding: chunked"), id="both (§6.1)"),
        pytest.param(b"POST / HTTP/1.1", (b"Transfer-Encoding: chunked, x",), id="a coding over chunked (§6.1)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a", b" b"), id="a folded line (§5.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a", b"\tb"), id="a line folded by a tab (§5.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a\rb",), id="a bare CR (§2.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a\nY: b",), id="a bare LF (we do not use the leave of §2.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: \x00",), id="NUL (RFC 9110 §5.5)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: \x1b[2J",), id="an escape"),
        pytest.param(b"GET / HTTP/1.1", (b"X: \x7f",), id="DEL"),
    ],
)
def test_a_request_is_refused_for(first: bytes, lines: tuple[bytes, ...]) -> None:
    """By the parser or by our own check before it; each would be read differently by somebody."""
    with pytest.raises(HeadMalformed):
        parse(first, *lines)


def test_a_request_without_host_is_refused_in_http_1_1_only() -> None:
    """RFC 9112 §3.2; SAP PI speaks HTTP/1.0."""
    with pytest.raises(HeadMalformed, match="Host"):
        RequestParser().parse(head(b"GET / HTTP/1.1"), 100)

    assert RequestParser().parse(head(b"GET / HTTP/1.0"), 100).fields == ()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"X : y", id="a space before the colon"),
        pytest.param(b"X y: z", id="a space in a name"),
        pytest.param(b"nothing", id="a line without colon"),
        pytest.param(b": y", id="an empty name"),
        pytest.param(b"X: a\r\n b", id="a folded line"),
        pytest.param(b"X: a\nY: b", id="a bare LF"),
        pytest.param(b"X: a\rY: b", id="a bare CR"),
        pytest.param(b"X: \x00", id="NUL"),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6", id="two lengths"),
        pytest.param(b"Content-Length: 5\r\nTransfer-Encoding: chunked", id="a length beside chunks"),
        pytest.param(b"Content-Length: x", id="a length that is no number"),
    ],
)
def test_a_response_is_refused_for(line: bytes) -> None:
    """RFC 9112 §5, §6.3: the sender would read it otherwise than we do."""
    with pytest.raises(HeadMalformed):
        parse_response(b"HTTP/1.1 200 OK", line)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(GET + GET, id="two heads"),
        pytest.param(GET + b"x", id="more than a head"),
        pytest.param(GET[:-2], id="less than a head"),
        pytest.param(b"\r\n\r\n", id="an empty one"),
    ],
)
def test_one_head_is_one_head(octets: bytes) -> None:
    """What is fed is exactly one head."""
    with pytest.raises(HeadMalformed):
        RequestParser().parse(octets, 100)


@pytest.mark.parametrize(("count", "fits"), [(2, True), (3, False)])
def test_fields_are_counted(count: int, fits: bool) -> None:
    """Host and one other field are two."""
    octets = head(b"GET / HTTP/1.1", b"Host: h", *(b"X: y" for _ in range(count - 1)))
    parser = RequestParser()

    if fits:
        assert len(parser.parse(octets, 2).fields) == count
    else:
        with pytest.raises(HeadTooLong) as raised:
            parser.parse(octets, 2)
        assert not raised.value.first_line


@given(st.binary(max_size=40))
def test_a_checked_head_has_no_octet_that_ends_lines_elsewhere(octets: bytes) -> None:
    """After `check`, CR and LF come in pairs only, no line begins with white space, and there are no controls."""
    try:
        check(octets)
    except HeadMalformed:
        lines = octets.split(b"\r\n")
        folded = any(line[:1] in (b" ", b"\t") for line in lines[1:])
        assert folded or re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", b"".join(lines))
    else:
        assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n|\n[ \t]", octets)


def test_the_c_parsers_are_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pure-Python ones, which are laxer, are refused at the start."""
    assert_compiled()

    monkeypatch.setattr(heads, "HttpRequestParser", aiohttp.http.HttpRequestParser.__class__)
    with pytest.raises(RuntimeError, match="C extension is missing"):
        assert_compiled()


# ---- collecting


def collect(pieces: list[bytes], limit: int = 400) -> tuple[bytes, bytes]:
    """Feed pieces until a head is complete: (head, what follows it)."""
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
    """Empty lines before it are passed over (RFC 9112 §2.2), wherever the socket cut them; what follows is left."""
    octets = b"\r\n" * before + GET + after
    ends = sorted({0, len(octets), *(place for place in places if place < len(octets))})
    collector = HeadCollector(400)
    found = rest = b""

    for a, b in zip(ends, ends[1:], strict=False):
        if found:
            rest += octets[a:b]
        else:
            found, rest = collector.feed(octets[a:b])

    assert (found, rest) == (GET, after)
    assert not collector.begun


def test_octet_by_octet_gives_the_same_head_each_time() -> None:
    """A collector is used for all heads of a connection."""
    collector = HeadCollector(400)
    for _ in range(2):
        found = [collector.feed(bytes([octet]))[0] for octet in b"\r\n" + GET]
        assert found[-1] == GET
        assert not any(found[:-1])


def test_a_head_has_begun_with_its_first_octet() -> None:
    """Empty lines before it begin none."""
    collector = HeadCollector(400)
    states = []
    for piece in (b"", b"\r\n\r\n", b"\r", b"\n", b"G", b"ET /a HTTP/1.1\r\n\r\n"):
        collector.feed(piece)
        states.append(collector.begun)

    assert states == [False, False, True, False, True, False]


def test_any_number_of_empty_lines_is_passed_over_in_one_go() -> None:
    """A quarter of a megabyte of them leaves nothing behind."""
    collector = HeadCollector(400)

    assert collector.feed(b"\r\n" * (128 << 10)) == (b"", b"")
    assert not collector.begun


@pytest.mark.parametrize(
    ("pieces", "first_line"),
    [
        pytest.param([b"GET /" + b"a" * 50], True, id="a line without end"),
        pytest.param([b"GET /", b"a" * 50], True, id="a line without end, in pieces"),
        pytest.param([b"GET /" + b"a" * 50 + b" HTTP/1.1\r\n\r\n"], True, id="a line that ends too late"),
        pytest.param([b"GET / HTTP/1.1\r\nA: ", b"b" * 50], False, id="fields without end"),
        pytest.param([b"GET / HTTP/1.1\r\nA: " + b"b" * 50 + b"\r\n\r\n"], False, id="fields that end too late"),
    ],
)
def test_a_head_above_the_limit_is_refused_and_its_part_named(pieces: list[bytes], first_line: bool) -> None:
    """The request line gets 414, the fields 431."""
    with pytest.raises(HeadTooLong) as raised:
        collect(pieces, limit=40)

    assert raised.value.first_line is first_line


def test_a_head_of_exactly_the_limit_is_taken() -> None:
    """The last line end counts."""
    assert collect([GET], limit=len(GET)) == (GET, b"")
    with pytest.raises(HeadTooLong):
        collect([GET], limit=len(GET) - 1)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        pytest.param(b"\x16\x03\x01", "TLS", id="a TLS hello"),
        pytest.param(b"\x00", "first octet", id="a control"),
        pytest.param(b" ", "first octet", id="a space"),
        pytest.param(b"\xff", "first octet", id="an octet beyond ASCII"),
        pytest.param(b"\n", "first octet", id="a bare LF"),
        pytest.param(b"GET / HTTP/1.1\n\n", "without CR", id="a head with bare LFs"),
        pytest.param(b"GET / HTTP/1.1\n\r\n", "without CR", id="a head that ends in LF CRLF"),
    ],
)
def test_what_never_becomes_a_head_is_refused_at_once(octets: bytes, why: str) -> None:
    """Its sender would otherwise wait for the end of the time for heads."""
    with pytest.raises(HeadMalformed, match=why):
        collect([octets])
    with pytest.raises(HeadMalformed, match=why):
        collect([octets[at : at + 1] for at in range(len(octets))])
