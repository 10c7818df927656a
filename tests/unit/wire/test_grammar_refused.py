"""What no head is read as: each refusal, with what the RFC says."""

import pytest

from proxy.wire.heads import HeadMalformed, HeadTooLong, VersionOther
from tests.cases import cases
from tests.unit.wire.octets import GET, head
from tests.unit.wire.test_grammar import OK, REQUESTS, RESPONSES, request, response


@cases(
    "first, lines, why",
    {
        "a method with a delimiter (RFC 9110 §5.6.2)": (b"G(T / HTTP/1.1", (), "not a token"),
        "no method": (b"/ HTTP/1.1", (), "three words"),
        "an empty method": (b" / HTTP/1.1", (), "not a token"),
        "a tab in place of a space (RFC 9112 §3)": (b"GET\t/ HTTP/1.1", (), "three words"),
        "a tab in the target": (b"GET /a\tb HTTP/1.1", (), "not a valid URL"),
        "two spaces in the request line": (b"GET  / HTTP/1.1", (), "three words"),
        "a space in the target (§3.2)": (b"GET /a b HTTP/1.1", (), "three words"),
        "an empty target": (b"GET  HTTP/1.1", (), "not a valid URL"),
        "a target beyond ASCII (RFC 3986 §2)": (b"GET /\xc3\xa4 HTTP/1.1", (), "not a valid URL"),
        "a relative target (§3.2)": (b"GET a HTTP/1.1", (), "not a valid URL"),
        "an asterisk without OPTIONS (§3.2.4)": (b"GET * HTTP/1.1", (), "not a valid URL"),
        "a space before the method": (b" GET / HTTP/1.1", (), "three words"),
        "a second Host (§3.2)": (b"GET / HTTP/1.1", (b"Host: h",), "more than one Host"),
        "a second Etag": (b"GET / HTTP/1.1", (b"Etag: h", b"etag:h"), "more than one Etag"),
        "a space before the colon (§5.1)": (b"GET / HTTP/1.1", (b"X : y",), "before a colon"),
        "an empty name": (b"GET / HTTP/1.1", (b": y",), "without a name"),
        "a name with a delimiter (RFC 9110 §5.6.2)": (b"GET / HTTP/1.1", (b"X(y): z",), "not a token"),
        "a name beyond ASCII": (b"GET / HTTP/1.1", (b"\xc3\xa4: z",), "not a token"),
        "a line without colon": (b"GET / HTTP/1.1", (b"nothing",), "and a colon"),
        "a folded line (§5.2)": (b"GET / HTTP/1.1", (b"X: a", b" b"), "folded"),
        "a bare CR (§2.2)": (b"GET / HTTP/1.1", (b"X: a\rb",), "ends no line"),
        "a bare LF (we do not use the leave of it)": (b"GET / HTTP/1.1", (b"X: a\nY: b",), "ends no line"),
        "NUL (RFC 9110 §5.5)": (b"GET / HTTP/1.1", (b"X: \x00",), "control"),
    },
)
def test_a_request_is_refused_for(first: bytes, lines: tuple[bytes, ...], why: str) -> None:
    """Each would be read differently by somebody."""
    with pytest.raises(HeadMalformed, match=why):
        request(first, *lines)


@cases(
    "line",
    {
        "a space before the colon": b"X : y",
        "a space in a name": b"Content-Length 1: 5",
        "a line without colon": b"nothing",
        "an empty name": b": y",
        "a folded line": b"X: a\r\n b",
        "a bare LF": b"X: a\nY: b",
        "a bare CR": b"X: a\rY: b",
        "NUL": b"X: \x00",
    },
)
def test_a_response_is_refused_for(line: bytes) -> None:
    """RFC 9112 §5."""
    with pytest.raises(HeadMalformed):
        response(OK, line)


@cases("version", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3.1")
def test_another_version_in_a_request_is_told_from_a_malformed_one(version: bytes) -> None:
    """RFC 9110 §15.6.6: it gets 505."""
    with pytest.raises(VersionOther):
        request(b"GET / " + version)


@cases(
    "first",
    {
        "none (HTTP/0.9)": b"GET /",
        "of RTSP": b"DESCRIBE / RTSP/1.0",
        "of Icecast": b"GET / ICE/1.0",
        "in lower case (RFC 9112 §2.3)": b"GET / http/1.1",
        "with two digits": b"GET / HTTP/1.10",
        "without a dot": b"GET / HTTP/11",
        "with a space behind": b"GET / HTTP/1.1 ",
        "that is part of the target": b"GET /aHTTP/1.0",
        "of an empty line": b"",
    },
)
def test_a_request_line_without_our_versions_is_malformed(first: bytes) -> None:
    """Not another version either."""
    with pytest.raises(HeadMalformed) as raised:
        request(first)

    assert not isinstance(raised.value, VersionOther)


@cases(
    "first",
    {
        "HTTP/0.9": b"HTTP/0.9 200 OK",
        "HTTP/2.0": b"HTTP/2.0 200 OK",
        "lower case": b"http/1.1 200 OK",
        "Icecast": b"ICY 200 OK",
        "a status that is no number": b"HTTP/1.1 abc",
        "a status with a sign": b"HTTP/1.1 +20 x",
        "a status of two digits": b"HTTP/1.1 20",
        "a tab behind the status": b"HTTP/1.1 200\tx",
        "a status below 100": b"HTTP/1.1 000 x",
        "two spaces": b"HTTP/1.1  200 OK",
        "a tab": b"HTTP/1.1\t200 OK",
        "nothing": b"",
    },
)
def test_a_status_line_that_is_none_is_malformed(first: bytes) -> None:
    """RFC 9112 §4."""
    with pytest.raises(HeadMalformed):
        response(first, b"Content-Length: 0")


@cases(
    "octets",
    {
        "two heads": GET + GET,
        "more than a head": GET + b"x",
        "less than a head": GET[:-2],
        "an empty line before it, which the collector takes off": b"\r\n" + GET,
        "nothing": b"",
    },
)
def test_one_head_is_one_head(octets: bytes) -> None:
    """What is read is exactly one head."""
    with pytest.raises(HeadMalformed):
        REQUESTS.read(octets, 100)
    with pytest.raises(HeadMalformed):
        RESPONSES.read(octets.replace(b"GET /a HTTP/1.1", OK))


@cases("count, fits", (2, True), (3, False))
def test_fields_are_counted(count: int, *, fits: bool) -> None:
    """Too many are told before anything else."""
    octets = head(b"GET /", b"Host: h", *(b"X: y" for _ in range(count - 1)))

    with pytest.raises(HeadMalformed if fits else HeadTooLong) as raised:
        REQUESTS.read(octets, 2)

    assert fits or not getattr(raised.value, "first_line", True)


def test_a_request_without_host_is_refused_in_http_1_1_only() -> None:
    """RFC 9112 §3.2; SAP PI speaks HTTP/1.0."""
    with pytest.raises(HeadMalformed, match="Host"):
        REQUESTS.read(head(b"GET / HTTP/1.1"), 100)

    assert REQUESTS.read(head(b"GET / HTTP/1.0"), 100).fields.lines == []


@cases(
    "lines, why",
    {
        "a length beside chunks": ((b"Content-Length: 5", b"Transfer-Encoding: chunked"), "beside"),
        "chunked twice": ((b"Transfer-Encoding: chunked",) * 2, "more than one Transfer"),
        "a coding below chunked": ((b"Transfer-Encoding: gzip, chunked",), "other than"),
        "a tab before chunked": ((b"Transfer-Encoding:\tchunked",), "other than"),
        "an empty coding": ((b"Transfer-Encoding:",), "other than"),
        "a length twice": ((b"Content-Length: 5",) * 2, "more than one Content-Length"),
        "a length with a sign": ((b"Content-Length: +5",), "not a number"),
        "a negative length": ((b"Content-Length: -5",), "not a number"),
        "an empty length": ((b"Content-Length:",), "not a number"),
        "a length beyond all memory": ((b"Content-Length: " + b"1" * 19,), "not a number"),
    },
)
def test_doubtful_framing_is_refused(lines: tuple[bytes, ...], why: str) -> None:
    """Two readers might differ (RFC 9112 §6.1, §6.3)."""
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


@cases(
    "octets",
    {
        "in a URL with half a bracket": head(b"GET http://[canary/ HTTP/1.1", b"Host: h"),
        "in a target that is no URL": head(b"GET canary HTTP/1.1", b"Host: h"),
        "in a version": head(b"GET / canary", b"Host: h"),
        "in a line without colon": head(b"GET / HTTP/1.1", b"Host: h", b"canary"),
        "in a name": head(b"GET / HTTP/1.1", b"Host: h", b"canary : x"),
        "in a length": head(b"GET / HTTP/1.1", b"Host: h", b"Content-Length: canary"),
        "in a coding": head(b"GET / HTTP/1.1", b"Host: h", b"Transfer-Encoding: chunked, canary"),
        "in a value": head(b"GET / HTTP/1.1", b"Host: h", b"X: \x00canary"),
        "in what comes twice": head(b"GET / HTTP/1.1", b"Host: canary", b"Host: canary"),
    },
)
def test_what_is_wrong_with_a_head_does_not_quote_it(octets: bytes) -> None:
    """The text goes into an answer and the log."""
    with pytest.raises(HeadMalformed) as raised:
        REQUESTS.read(octets, 100)

    assert "canary" not in str(raised.value)
