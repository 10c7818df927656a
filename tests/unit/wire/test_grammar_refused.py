"""What no head is read as: each refusal, with what the RFC says."""

import pytest

from proxy.wire.heads import HeadMalformed, HeadTooLong, VersionOther
from tests.unit.wire.octets import GET, head
from tests.unit.wire.test_grammar import OK, REQUESTS, RESPONSES, request, response


@pytest.mark.parametrize(
    ("first", "lines", "why"),
    [
        pytest.param(b"G(T / HTTP/1.1", (), "not a token", id="a method with a delimiter (RFC 9110 §5.6.2)"),
        pytest.param(b"/ HTTP/1.1", (), "three words", id="no method"),
        pytest.param(b" / HTTP/1.1", (), "not a token", id="an empty method"),
        pytest.param(b"GET\t/ HTTP/1.1", (), "three words", id="a tab in place of a space (RFC 9112 §3)"),
        pytest.param(b"GET /a\tb HTTP/1.1", (), "not a valid URL", id="a tab in the target"),
        pytest.param(b"GET  / HTTP/1.1", (), "three words", id="two spaces in the request line"),
        pytest.param(b"GET /  HTTP/1.1", (), "three words", id="two spaces before the version"),
        pytest.param(b"GET /a b HTTP/1.1", (), "three words", id="a space in the target (§3.2)"),
        pytest.param(b"GET  HTTP/1.1", (), "not a valid URL", id="an empty target"),
        pytest.param(b"GET /\xc3\xa4 HTTP/1.1", (), "not a valid URL", id="a target beyond ASCII (RFC 3986 §2)"),
        pytest.param(b"GET a HTTP/1.1", (), "not a valid URL", id="a relative target (§3.2)"),
        pytest.param(b"GET * HTTP/1.1", (), "not a valid URL", id="an asterisk without OPTIONS (§3.2.4)"),
        pytest.param(b" GET / HTTP/1.1", (), "three words", id="a space before the method"),
        pytest.param(b"GET / HTTP/1.1", (b"Host: h",), "more than one Host", id="a second Host (§3.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"Etag: h", b"etag:h"), "more than one Etag", id="a second Etag"),
        pytest.param(b"GET / HTTP/1.1", (b"X : y",), "before a colon", id="a space before the colon (§5.1)"),
        pytest.param(b"GET / HTTP/1.1", (b"Content-Length\t: 1",), "before a colon", id="a tab before the colon"),
        pytest.param(b"GET / HTTP/1.1", (b": y",), "without a name", id="an empty name"),
        pytest.param(b"GET / HTTP/1.1", (b"X(y): z",), "not a token", id="a name with a delimiter (RFC 9110 §5.6.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X y: z",), "not a token", id="a name with a space"),
        pytest.param(b"GET / HTTP/1.1", (b"\xc3\xa4: z",), "not a token", id="a name beyond ASCII"),
        pytest.param(b"GET / HTTP/1.1", (b"nothing",), "and a colon", id="a line without colon"),
        pytest.param(b"GET / HTTP/1.1", (b"Accept",), "and a colon", id="a line that is a known name"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a", b" b"), "folded", id="a folded line (§5.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a", b"\tb: c"), "folded", id="a line folded by a tab (§5.2)"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a\rb",), "ends no line", id="a bare CR (§2.2)"),
        pytest.param(
            b"GET / HTTP/1.1", (b"X: a\nY: b",), "ends no line", id="a bare LF (we do not use the leave of it)"
        ),
        pytest.param(b"GET / HTTP/1.1", (b"X: a\r\r",), "ends no line", id="a CR before a line end"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a\rY: b\nZ: c",), "ends no line", id="CR and LF, but apart"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a\rY: \x01",), "ends no line", id="a bare CR, and a control"),
        pytest.param(b"GET / HTTP/1.1", (b"X: a\nY: \x01",), "ends no line", id="a bare LF, and a control"),
        pytest.param(b"GET / HTTP/1.1", (b"X: \x00",), "control", id="NUL (RFC 9110 §5.5)"),
        pytest.param(b"GET / HTTP/1.1", (b"X\x00: a",), "control", id="NUL in a name"),
        pytest.param(b"GET /\x00 HTTP/1.1", (), "control", id="NUL in the target"),
        pytest.param(b"GET / HTTP/1.1", (b"X: \x1b[2J",), "control", id="an escape"),
        pytest.param(b"GET / HTTP/1.1", (b"X: \x7f",), "control", id="DEL"),
    ],
)
def test_a_request_is_refused_for(first: bytes, lines: tuple[bytes, ...], why: str) -> None:
    """Each would be read differently by somebody."""
    with pytest.raises(HeadMalformed, match=why):
        request(first, *lines)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"X : y", id="a space before the colon"),
        pytest.param(b"Content-Length : 5", id="a space before the colon of a length"),
        pytest.param(b"Content-Length 1: 5", id="a space in a name"),
        pytest.param(b"nothing", id="a line without colon"),
        pytest.param(b": y", id="an empty name"),
        pytest.param(b"X: a\r\n b", id="a folded line"),
        pytest.param(b"X: a\nY: b", id="a bare LF"),
        pytest.param(b"X: a\rY: b", id="a bare CR"),
        pytest.param(b"X: \x00", id="NUL"),
    ],
)
def test_a_response_is_refused_for(line: bytes) -> None:
    """RFC 9112 §5: the sender would read it otherwise than we do."""
    with pytest.raises(HeadMalformed):
        response(OK, line)


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3.1"])
def test_another_version_in_a_request_is_told_from_a_malformed_one(version: bytes) -> None:
    """RFC 9110 §15.6.6: it gets 505."""
    with pytest.raises(VersionOther):
        request(b"GET / " + version)


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
        pytest.param(b"GET /aHTTP/1.0", id="that is part of the target"),
        pytest.param(b"", id="of an empty line"),
    ],
)
def test_a_request_line_without_our_versions_is_malformed(first: bytes) -> None:
    """It is no request of another version of HTTP either."""
    with pytest.raises(HeadMalformed) as raised:
        request(first)

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
        pytest.param(b"HTTP/1.1 +20 x", id="a status with a sign"),
        pytest.param(b"HTTP/1.1 20", id="a status of two digits"),
        pytest.param(b"HTTP/1.1 20 x", id="a status of two digits and a space"),
        pytest.param(b"HTTP/1.1 2000 x", id="a status of four digits"),
        pytest.param(b"HTTP/1.1 200\tx", id="a tab behind the status"),
        pytest.param(b"HTTP/1.1 000 x", id="a status below 100"),
        pytest.param(b"HTTP/1.1 099 x", id="a status below 100 with a digit"),
        pytest.param(b"HTTP/1.1  200 OK", id="two spaces"),
        pytest.param(b"HTTP/1.1\t200 OK", id="a tab"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_status_line_that_is_none_is_malformed(first: bytes) -> None:
    """RFC 9112 §4."""
    with pytest.raises(HeadMalformed):
        response(first, b"Content-Length: 0")


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(GET + GET, id="two heads"),
        pytest.param(GET + b"x", id="more than a head"),
        pytest.param(GET[:-2], id="less than a head"),
        pytest.param(GET[:-4], id="less than a line"),
        pytest.param(b"\r\n" + GET, id="an empty line before it, which the collector takes off"),
        pytest.param(b"\r\n\r\n", id="an empty one"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_one_head_is_one_head(octets: bytes) -> None:
    """What is read is exactly one head."""
    with pytest.raises(HeadMalformed):
        REQUESTS.read(octets, 100)
    with pytest.raises(HeadMalformed):
        RESPONSES.read(octets.replace(b"GET /a HTTP/1.1", OK))


@pytest.mark.parametrize(("count", "fits"), [(2, True), (3, False)])
def test_fields_are_counted(count: int, *, fits: bool) -> None:
    """Host and one other field are two; too many are told before anything else that is wrong."""
    octets = head(b"GET /", b"Host: h", *(b"X: y" for _ in range(count - 1)))

    with pytest.raises(HeadMalformed if fits else HeadTooLong) as raised:
        REQUESTS.read(octets, 2)

    assert fits or not getattr(raised.value, "first_line", True)


def test_a_request_without_host_is_refused_in_http_1_1_only() -> None:
    """RFC 9112 §3.2; SAP PI speaks HTTP/1.0."""
    with pytest.raises(HeadMalformed, match="Host"):
        REQUESTS.read(head(b"GET / HTTP/1.1"), 100)

    assert REQUESTS.read(head(b"GET / HTTP/1.0"), 100).fields.lines == []


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        pytest.param((b"Content-Length: 5", b"Transfer-Encoding: chunked"), "beside", id="a length beside chunks"),
        pytest.param((b"Transfer-Encoding: chunked",) * 2, "more than one Transfer", id="chunked twice"),
        pytest.param((b"Transfer-Encoding: gzip, chunked",), "other than", id="a coding below chunked"),
        pytest.param((b"Transfer-Encoding: chunked, identity",), "other than", id="a coding over chunked"),
        pytest.param((b"Transfer-Encoding: xchunked",), "other than", id="an unknown coding"),
        pytest.param((b"Transfer-Encoding: chunked\t",), "other than", id="a tab behind chunked"),
        pytest.param((b"Transfer-Encoding:\tchunked",), "other than", id="a tab before chunked"),
        pytest.param((b"Transfer-Encoding:",), "other than", id="an empty coding"),
        pytest.param((b"Content-Length: 5",) * 2, "more than one Content-Length", id="a length twice"),
        pytest.param((b"Content-Length: 5, 5",), "not a number", id="a list of lengths"),
        pytest.param((b"Content-Length: +5",), "not a number", id="a length with a sign"),
        pytest.param((b"Content-Length: -5",), "not a number", id="a negative length"),
        pytest.param((b"Content-Length: 0x5",), "not a number", id="a length in hex"),
        pytest.param((b"Content-Length: 5 5",), "not a number", id="a length with a space"),
        pytest.param((b"Content-Length:",), "not a number", id="an empty length"),
        pytest.param((b"Content-Length: \xb2",), "not a number", id="a superscript digit"),
        pytest.param((b"Content-Length: " + b"1" * 19,), "not a number", id="a length beyond all memory"),
    ],
)
def test_doubtful_framing_is_refused(lines: tuple[bytes, ...], why: str) -> None:
    """RFC 9112 §6.1, §6.3: what two readers would frame differently must not go on."""
    with pytest.raises(HeadMalformed, match=why):
        request(b"POST / HTTP/1.1", *lines)
    with pytest.raises(HeadMalformed, match=why):
        response(OK, *lines)


def test_chunks_in_http_1_0_are_faulty_framing() -> None:
    """RFC 9112 §6.1."""
    with pytest.raises(HeadMalformed, match="Transfer-Encoding in HTTP/1"):
        request(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked")
    with pytest.raises(HeadMalformed, match="Transfer-Encoding in HTTP/1"):
        response(b"HTTP/1.0 200 OK", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(head(b"GET http://canary:99999/ HTTP/1.1", b"Host: h"), id="in a URL with an impossible port"),
        pytest.param(head(b"GET http://[canary/ HTTP/1.1", b"Host: h"), id="in a URL with half a bracket"),
        pytest.param(head(b"GET canary HTTP/1.1", b"Host: h"), id="in a target that is no URL"),
        pytest.param(head(b"canary( / HTTP/1.1", b"Host: h"), id="in a method"),
        pytest.param(head(b"GET / canary", b"Host: h"), id="in a version"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"canary"), id="in a line without colon"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"canary : x"), id="in a name"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"Content-Length: canary"), id="in a length"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"Transfer-Encoding: chunked, canary"), id="in a coding"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: h", b"X: \x00canary"), id="in a value"),
        pytest.param(head(b"GET / HTTP/1.1", b"Host: canary", b"Host: canary"), id="in what comes twice"),
    ],
)
def test_what_is_wrong_with_a_head_does_not_quote_it(octets: bytes) -> None:
    """The text goes into an answer and the log."""
    with pytest.raises(HeadMalformed) as raised:
        REQUESTS.read(octets, 100)

    assert "canary" not in str(raised.value)
