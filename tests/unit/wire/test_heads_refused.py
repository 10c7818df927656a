"""What is relied on of aiohttp's C parsers: what they take and what they refuse, each with what the RFC says."""

import re

import aiohttp.http
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire import heads
from proxy.wire.heads import (
    HeadMalformed,
    HeadTooLong,
    RequestParser,
    assert_compiled,
    check,
)
from tests.unit.wire.octets import GET, head, parse, parse_response


@pytest.mark.parametrize(
    ("first", "lines"),
    [
        pytest.param(b"PROPFIND / HTTP/1.1", (), id="methods of WebDAV"),
        pytest.param(b"get / HTTP/1.1", (), id="methods in lower case (RFC 9110 §9.1: they have case)"),
        pytest.param(b"BREW!#$%&'*+-.^_`|~9 / HTTP/1.1", (), id="methods that nobody registered"),
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
        pytest.param(b"G(T / HTTP/1.1", (), id="a method with a delimiter (RFC 9110 §5.6.2)"),
        pytest.param(b"GET\t/ HTTP/1.1", (), id="a tab in the request line (RFC 9112 §3)"),
        pytest.param(b"GET  / HTTP/1.1", (), id="two spaces in the request line"),
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
def test_fields_are_counted(count: int, *, fits: bool) -> None:
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
