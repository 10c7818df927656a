"""What the heads of requests and responses are read as."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding.fields import request_names, response_names
from proxy.wire.grammar import CHUNKED, UNSAID, RequestHead, RequestReader, ResponseHead, ResponseReader
from tests.cases import cases
from tests.unit.wire.octets import FIELDS, PATH, VALUE, head

REQUESTS, RESPONSES = RequestReader(request_names()), ResponseReader(response_names())
OK = b"HTTP/1.1 200 OK"


def request(first: bytes, *lines: bytes) -> RequestHead:
    """Read a request's head with Host."""
    return REQUESTS.read(head(first, b"Host: h", *lines), 100)


def response(first: bytes, *lines: bytes) -> ResponseHead:
    """Read a response's head."""
    return RESPONSES.read(head(first, *lines))


@given(target=PATH, fields=FIELDS)
def test_target_and_lines_of_a_request_survive_byte_for_byte(target: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    """Order, repetition and white space stay."""
    lines = [name + b":\t" + value + b" " for name, value in fields]

    read = request(b"POST " + target + b" HTTP/1.1", *lines)

    assert (read.method, read.target, read.minor) == ("POST", target, 1)
    assert (read.fields.lines, read.fields.passing) == ([b"Host: h", *lines], lines)
    assert read.fields.pairs() == [(b"Host", b"h"), *fields]


@given(reason=VALUE, status=st.integers(min_value=100, max_value=999), fields=FIELDS)
def test_status_reason_and_lines_of_a_response_survive_byte_for_byte(
    reason: bytes, status: int, fields: list[tuple[bytes, bytes]]
) -> None:
    """They are not ours to change."""
    lines = [name + b":" + value for name, value in fields]

    read = response(b"HTTP/1.0 %d %b" % (status, reason), *lines, b"Content-Length: 0")

    assert (read.status, read.reason, read.minor, read.fields.passing) == (status, reason, 0, lines)


@cases(
    "first, lines",
    {
        "methods of WebDAV": (b"PROPFIND / HTTP/1.1", ()),
        "methods in lower case (RFC 9110 §9.1: they have case)": (b"get / HTTP/1.1", ()),
        "methods that nobody registered": (b"BREW!#$%&'*+-.^_`|~9 / HTTP/1.1", ()),
        "escapes of any kind, undecoded": (b"GET /%zz%00%2e HTTP/1.1", ()),
        "paths that nobody has normalised": (b"GET //h/..//x HTTP/1.1", ()),
        "a fragment, which the routes refuse": (b"GET /a#b HTTP/1.1", ()),
        "absolute-form (RFC 9112 §3.2.2)": (b"GET http://h/x HTTP/1.1", ()),
        "absolute-form with all its parts": (b"GET HTTPS://u:p@[::1]:443?x HTTP/1.1", ()),
        "authority-form, which admission refuses": (b"CONNECT h:443 HTTP/1.1", ()),
        "asterisk-form, which admission refuses": (b"OPTIONS * HTTP/1.1", ()),
        "white space around values": (b"GET / HTTP/1.1", (b"X:\t y \t",)),
        "empty values": (b"GET / HTTP/1.1", (b"X:",)),
        "octets beyond ASCII in values (RFC 9110 §5.5)": (b"GET / HTTP/1.1", (b"X: \xff\xc3\xa4",)),
        "names of all token octets (§5.6.2)": (b"GET / HTTP/1.1", (b"!#$%&'*+-.^_`|~9aZ: y",)),
        "names of any length": (b"GET / HTTP/1.1", (b"X-" + b"a" * 5000 + b": y",)),
    },
)
def test_a_request_may_have(first: bytes, lines: tuple[bytes, ...]) -> None:
    """It is forwarded, or refused elsewhere."""
    read = request(first, *lines)

    assert [read.method.encode(), read.target] == first.split()[:2]
    assert read.fields.passing == [*lines]


def test_a_response_may_say_twice_what_servers_say_twice() -> None:
    """Nothing of ours depends on them."""
    assert response(OK, b"Server: a", b"Server: b", b"Content-Type: c", b"content-type: d").fields.pairs()[3][1] == b"d"


@cases(
    "first, reason",
    {
        "an empty reason": (b"HTTP/1.1 200 ", b""),
        "no reason and no space": (b"HTTP/1.1 200", b""),
        "a reason beyond ASCII": (b"HTTP/1.1 200 \xc3\xa4\t\xff", b"\xc3\xa4\t\xff"),
    },
)
def test_a_reason_may_be_anything(first: bytes, reason: bytes) -> None:
    """RFC 9112 §4: it is there for people."""
    assert response(first).reason == reason


@cases(
    "lines, length",
    {
        "nothing is said": ((), UNSAID),
        "0 is said": ((b"Content-Length: 0",), 0),
        "names have no case, zeros do not count": ((b"content-LENGTH:\t0012 ",), 12),
        "chunked": ((b"Transfer-Encoding: chunked",), CHUNKED),
        "codings have no case": ((b"TRANSFER-encoding:  Chunked ",), CHUNKED),
        "other fields say nothing": ((b"Content-Lengthy: x", b"Content_Length: 5"), UNSAID),
    },
)
def test_the_fields_say_how_long_a_body_is(lines: tuple[bytes, ...], length: int) -> None:
    """RFC 9112 §6, in both directions."""
    assert (request(b"POST / HTTP/1.1", *lines).length, response(OK, *lines).length) == (length, length)


@cases(
    "minor, lines, persistent",
    {
        "HTTP/1.1 goes on": (1, (), True),
        "close ends it": (1, (b"Connection: close",), False),
        "options have no case": (1, (b"Connection: x, CLOSE",), False),
        "close wins over keep-alive": (1, (b"Connection: close, keep-alive",), False),
        "a second line counts": (1, (b"Connection: keep-alive", b"Connection: close"), False),
        "closed is not close": (1, (b"Connection: closed",), True),
        "an upgrade does not end it": (1, (b"Connection: upgrade", b"Upgrade: h2c"), True),
        "Proxy-Connection counts too": (1, (b"Proxy-Connection: close",), False),
        "HTTP/1.0 ends": (0, (), False),
        "HTTP/1.0 with keep-alive goes on": (0, (b"Connection: Keep-Alive",), True),
        "on a second line too": (0, (b"Connection: keep-alive", b"X: close", b"connection: Close"), False),
        "Proxy-Connection is Connection": (0, (b"Proxy-Connection: keep-alive",), True),
    },
)
def test_connection_options_say_whether_a_message_is_the_last(
    minor: int, lines: tuple[bytes, ...], *, persistent: bool
) -> None:
    """RFC 9112 §9.3, in both directions."""
    assert request(b"GET / HTTP/1.%d" % minor, *lines).persistent is persistent
    assert response(b"HTTP/1.%d 200 OK" % minor, *lines, b"Content-Length: 0").persistent is persistent


@cases(
    "first, persistent", (OK, True), (b"HTTP/1.1 199 x", True), (b"HTTP/1.1 204 x", True), (b"HTTP/1.0 200 OK", False)
)
def test_a_response_without_a_length_may_be_one_to_head(first: bytes, *, persistent: bool) -> None:
    """RFC 9112 §6.3; its head does not tell."""
    read = response(first, b"Connection: X-Hop")

    assert (read.persistent, read.fields.named) == (persistent, frozenset({b"x-hop"}))


@cases(
    "lines, named",
    {
        "no Connection": ((), set()),
        "close is no name": ((b"Connection: close", b"X: y"), set()),
        "names have no case": ((b"Connection: Keep-Alive, X-A",), {b"x-a"}),
        "white space does not count": ((b"Connection:  X-A ,\tX-B",), {b"x-a", b"x-b"}),
        "every line counts": ((b"CONNECTION: X-A", b"connection: X-B"), {b"x-a", b"x-b"}),
        "empty elements name nothing (RFC 9110 §5.6.1)": ((b"Connection: ,,",), set()),
        "other fields name nothing": ((b"Connections: X-A", b"Proxy-Connection: X-B"), set()),
    },
)
def test_connection_names_fields_of_the_hop(lines: tuple[bytes, ...], named: set[bytes]) -> None:
    """RFC 9110 §7.6.1, in both directions."""
    assert set(request(b"GET / HTTP/1.1", *lines).fields.named) == named
    assert set(response(OK, *lines).fields.named) == named


@cases(
    "name, values",
    (b"via", [b"1.1 a", b"1.0 b"]),
    (b"x-key", [b"1", b"2"]),
    (b"x-csrf-token", [b""]),
    (b"cookie", []),
    (b"x-none", []),
)
def test_values_are_found_whoever_asks(name: bytes, values: list[bytes]) -> None:
    """The first, all, or none."""
    lines = (b"Via: 1.1 a", b"X-Key: 1", b"via:\t1.0 b ", b"x-key: 2", b"X-CSRF-Token:", b"X-Keys: 3")
    fields = request(b"GET / HTTP/1.1", *lines).fields
    assert (fields.values(name), fields.value(name), fields.has(name)) == (values, [*values, b""][0], bool(values))


def test_a_field_that_comes_once_beside_one_that_comes_twice_has_one_value() -> None:
    """They are not mixed."""
    fields = request(b"GET / HTTP/1.1", b"Cookie: a=b", b"Via: 1.1 a", b"Cookie: c=d").fields

    assert (fields.values(b"via"), fields.values(b"cookie")) == ([b"1.1 a"], [b"a=b", b"c=d"])


def test_no_head_shows_what_it_holds() -> None:
    """Targets and fields hold secrets."""
    shown = repr([request(b"GET /cAnAry HTTP/1.1", b"Cookie: cAnAry"), response(OK, b"Set-Cookie: cAnAry")])
    shown += repr(request(b"GET /cAnAry HTTP/1.1", b"Cookie: cAnAry").fields)

    assert shown == "[<RequestHead GET, 2 fields>, <ResponseHead 200, 1 fields>]<Fields 2>"
