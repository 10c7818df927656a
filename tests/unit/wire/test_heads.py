"""What a head becomes; versions, and whether a connection goes on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.heads import (
    HeadMalformed,
    RequestHead,
    RequestParser,
    ResponseHead,
    ResponseParser,
    VersionOther,
)
from tests.unit.wire.octets import FIELDS, GET, PATH, VALUE, head, parse, parse_response


@given(target=PATH, fields=FIELDS)
def test_target_and_fields_of_a_request_survive_byte_for_byte(target: bytes, fields: list[tuple[bytes, bytes]]) -> None:
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
        st.from_regex(
            rb"(GET|POST|x) [!-~]{0,20} HTTP/1\.[01]\r\n([!-~]{0,8}:[ -~]{0,12}\r\n){0,3}\r\n", fullmatch=True
        ),
    )
)
def test_whatever_comes_is_a_head_or_malformed(octets: bytes) -> None:
    """No other exception escapes, and what is wrong is said on one line."""
    for parser in (RequestParser(), ResponseParser()):
        said = "nothing"
        try:
            if isinstance(parser, RequestParser):
                parser.parse(octets, 100)
            else:
                parser.parse(octets)
        except HeadMalformed as error:
            said = str(error)
        assert re.fullmatch("[ -~]+", said)


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
    ],
)
def test_what_is_wrong_with_a_head_does_not_quote_it(octets: bytes) -> None:
    """Targets and fields hold secrets, and the text goes into an answer and the log."""
    with pytest.raises(HeadMalformed) as raised:
        RequestParser().parse(octets, 100)

    assert "canary" not in str(raised.value)


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
    minor: int, lines: tuple[bytes, ...], *, persistent: bool
) -> None:
    """RFC 9112 §9.3."""
    assert parse(b"GET / HTTP/1.%d" % minor, *lines).persistent is persistent


@pytest.mark.parametrize(("minor", "lines", "persistent"), PERSISTENCE)
def test_connection_options_say_whether_a_response_is_the_last(
    minor: int, lines: tuple[bytes, ...], *, persistent: bool
) -> None:
    """RFC 9112 §9.3."""
    assert parse_response(b"HTTP/1.%d 200 OK" % minor, *lines, b"Content-Length: 0").persistent is persistent


def test_a_response_that_ends_with_its_connection_is_the_last() -> None:
    """RFC 9112 §9.3: without a length nothing can follow it."""
    assert not parse_response(b"HTTP/1.1 200 OK").persistent
