"""The request as it goes to the upstream."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import Forwarded
from proxy.errors import Loop
from proxy.forwarding.body import BufferedBody, StreamedBody
from proxy.forwarding.csrf import CsrfUnit
from proxy.forwarding.request import Prepared, complete, framing, prepare
from proxy.wire.body import IncomingBody
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.world import MemorySender, Pair, lines, request, route

ADDRESS = "192.0.2.7"
UNIT = CsrfUnit(token=b"c5rf", cookies=((b"S", b"a=%2B"), (b"T", b"")), authorization=b"Bearer t")
REST = st.binary(max_size=30).map(lambda rest: bytes(octet for octet in rest if octet > 0x20 and octet != 0x7F))


def start(target: str, **options: Any) -> bytes:
    """The request line that goes out."""
    return prepare(request(f"POST {target}"), ADDRESS, route(**options)).start.split(b"\r\n")[0]


def sent_lines(*fields: Pair, **options: Any) -> list[bytes]:
    """The lines behind the request line."""
    return prepare(request("POST /orders", *fields), ADDRESS, route(**options)).start.split(b"\r\n")[1:]


@pytest.mark.parametrize(
    ("path", "upstream", "target", "sent"),
    [
        ("/orders", "http://u:1/http/in", "/orders", b"/http/in"),
        ("/orders", "http://u:1/http/in", "/orders/", b"/http/in/"),
        ("/orders", "http://u:1/http/in", "/orders/a?b=c", b"/http/in/a?b=c"),
        ("/orders", "http://u:1/http/in", "/orders?b", b"/http/in?b"),
        ("/orders", "http://u:1/http/in", "http://x/orders/a", b"/http/in/a"),
        ("/orders", "http://u:1", "/orders", b"/"),
        ("/orders", "http://u:1", "/orders?b", b"/?b"),
        ("/orders", "http://u:1", "/orders/a", b"/a"),
        ("/", "http://u:1/http", "/", b"/http/"),
        ("/", "http://u:1/http", "/orders//x", b"/http/orders//x"),
        ("/", "http://u:1", "/", b"/"),
        ("/", "http://u:1", "/?b", b"/?b"),
    ],
)
def test_the_prefix_is_replaced_by_what_it_stands_for(path: str, upstream: str, target: str, sent: bytes) -> None:
    """The version is ours, always 1.1 (RFC 9110 §2.5)."""
    assert start(target, path=path, upstream=upstream) == b"POST " + sent + b" HTTP/1.1"


@given(rest=REST)
def test_the_target_survives_byte_for_byte_behind_the_prefix(rest: bytes) -> None:
    """No octet is decoded, encoded or normalised."""
    given_request = request("POST /orders")
    target = given_request.target._replace(path=b"/orders/" + rest)

    prepared = prepare(given_request._replace(target=target), ADDRESS, route())

    assert prepared.start.startswith(b"POST /http/in/" + rest + b" HTTP/1.1\r\n")


def test_fields_go_on_between_host_and_via() -> None:
    """Host is the upstream's, the sender's fields keep their order, `set_fields` follow, and Via ends it."""
    fields = ((b"X-b", b"1"), (b"Authorization", b"secret"), (b"Via", b"1.0 other"), (b"X-b", b"2"), (b"X-C", b"no"))

    assert sent_lines(*fields, set_fields={"X-C": "ours"}) == [
        b"Host: u:1",
        b"X-b: 1",
        b"Via: 1.0 other",
        b"X-b: 2",
        b"X-C: ours",
        b"Via: 1.1 cpi-test",
    ]


def test_via_tells_the_version_that_was_received() -> None:
    """RFC 9110 §7.6.3."""
    prepared = prepare(request("GET /orders", minor=0), ADDRESS, route())

    assert prepared.start.endswith(b"\r\nVia: 1.0 cpi-test")


@pytest.mark.parametrize(
    "vias",
    [
        pytest.param([b"1.1 cpi-test"], id="alone"),
        pytest.param([b"1.0 a, 1.1 cpi-test (comment)"], id="in a list"),
        pytest.param([b"1.0 a", b"HTTP/1.1\tcpi-test"], id="on a second line"),
    ],
)
def test_our_own_name_in_via_is_a_loop(vias: list[bytes]) -> None:
    """RFC 9110 §7.6.3."""
    with pytest.raises(Loop):
        sent_lines(*((b"Via", value) for value in vias))


@pytest.mark.parametrize("via", [b"1.1 cpi-test-2", b"1.1 CPI-TEST", b"1.1 a (cpi-test)", b"cpi-test", b",", b""])
def test_another_name_in_via_is_none(via: bytes) -> None:
    """Only the pseudonym counts."""
    assert sent_lines((b"Via", via))[-1] == b"Via: 1.1 cpi-test"


def test_only_the_upstreams_own_cookies_go_on() -> None:
    """Without our prefix."""
    fields = ((b"Cookie", b"MYSAPSSO2=x; cpi.orders~S=1"), (b"cookie", b"cpi.orders~T=2"))

    prepared = prepare(request("POST /orders", *fields), ADDRESS, route())

    assert (prepared.cookies, b"ookie" in prepared.start) == (b"S=1; T=2", False)


@pytest.mark.parametrize(
    ("style", "address", "secure", "expected"),
    [
        pytest.param(
            Forwarded.X_FORWARDED,
            ADDRESS,
            False,
            [b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: http", b"X-Forwarded-Host: proxy.example"],
            id="the older fields",
        ),
        pytest.param(
            Forwarded.X_FORWARDED,
            "",
            True,
            [b"X-Forwarded-Proto: https", b"X-Forwarded-Host: proxy.example"],
            id="the older fields, from a Unix socket",
        ),
        pytest.param(
            Forwarded.RFC7239,
            ADDRESS,
            True,
            [b'Forwarded: for=192.0.2.7;proto=https;host="proxy.example"'],
            id="RFC 7239",
        ),
        pytest.param(
            Forwarded.RFC7239,
            "2001:db8::1",
            False,
            [b'Forwarded: for="[2001:db8::1]";proto=http;host="proxy.example"'],
            id="RFC 7239, an IPv6 address",
        ),
        pytest.param(
            Forwarded.RFC7239,
            "",
            False,
            [b'Forwarded: for=unknown;proto=http;host="proxy.example"'],
            id="RFC 7239, from a Unix socket",
        ),
    ],
)
def test_the_upstream_learns_the_sender_where_the_route_says_so(
    style: Forwarded, address: str, expected: list[bytes], *, secure: bool
) -> None:
    """And never what the sender itself wrote there."""
    fields = ((b"X-Forwarded-For", b"6.6.6.6"), (b"Forwarded", b"for=6.6.6.6"), (b"X-Forwarded-Port", b"1"))
    given_request = request("POST /orders", *fields, sender=MemorySender(secure=secure))

    prepared = prepare(given_request, address, route(forwarded=style))

    assert prepared.start.split(b"\r\n")[2:] == [b"Via: 1.1 cpi-test", *expected]


@pytest.mark.parametrize(
    ("style", "line"),
    [(Forwarded.X_FORWARDED, b"X-Forwarded-Proto: http"), (Forwarded.RFC7239, b"Forwarded: for=192.0.2.7;proto=http")],
)
def test_without_a_host_none_is_told(style: Forwarded, line: bytes) -> None:
    """HTTP/1.0 need not have one."""
    prepared = prepare(request("POST /orders", host=b"", minor=0), ADDRESS, route(forwarded=style))

    assert prepared.start.split(b"\r\n")[-1] == line


def test_nothing_is_told_by_default() -> None:
    """Internal addresses stay in the house."""
    assert not [line for line in sent_lines((b"X-Forwarded-For", b"10.0.0.1")) if b"orwarded" in line]


PREPARED = Prepared(b"POST / HTTP/1.1\r\nHost: u", b"A=1")
EMPTY = BufferedBody(b"")


def test_an_attempt_has_one_authorization_and_its_framing() -> None:
    """And the sender's cookies for the upstream."""
    head = complete(PREPARED, b"Bearer t", None, BufferedBody(b"abc"), "POST")

    assert head.endswith(b"\r\n\r\n")
    assert lines(head)[1:] == [b"Host: u", b"Authorization: Bearer t", b"Cookie: A=1", b"Content-Length: 3"]


def test_a_csrf_units_cookies_stand_in_place_of_the_senders() -> None:
    """Token and session go together, each value byte for byte."""
    head = complete(PREPARED, b"Bearer t", UNIT, EMPTY, "POST")

    assert lines(head)[3:] == [b"X-CSRF-Token: c5rf", b"Cookie: S=a=%2B; T=", b"Content-Length: 0"]


def test_without_any_cookie_there_is_no_cookie_field() -> None:
    """Not even an empty one."""
    bare = CsrfUnit(token=b"c5rf", cookies=(), authorization=b"Bearer t")

    assert b"Cookie" not in complete(PREPARED._replace(cookies=b""), b"Bearer t", None, EMPTY, "GET")
    assert b"Cookie" not in complete(PREPARED, b"Bearer t", bare, EMPTY, "GET")


def streamed(length: int | None) -> StreamedBody:
    """A body that passes through."""
    return StreamedBody(b"", IncomingBody(MemoryTransport(), length), 100)


@pytest.mark.parametrize(
    ("body", "method", "line"),
    [
        pytest.param(BufferedBody(b"ab"), "GET", b"\r\nContent-Length: 2", id="content has its length"),
        pytest.param(EMPTY, "POST", b"\r\nContent-Length: 0", id="an empty POST has one (RFC 9110 §8.6)"),
        pytest.param(EMPTY, "PUT", b"\r\nContent-Length: 0", id="an empty PUT has one"),
        pytest.param(EMPTY, "PATCH", b"\r\nContent-Length: 0", id="an empty PATCH has one"),
        pytest.param(EMPTY, "GET", b"", id="an empty GET needs none"),
        pytest.param(EMPTY, "DELETE", b"", id="an empty DELETE needs none"),
        pytest.param(streamed(7), "POST", b"\r\nContent-Length: 7", id="a streamed body of known length"),
        pytest.param(streamed(None), "POST", b"\r\nTransfer-Encoding: chunked", id="a streamed body of unknown length"),
    ],
)
def test_the_framing_is_ours(body: BufferedBody | StreamedBody, method: str, line: bytes) -> None:
    """RFC 9112 §6."""
    assert framing(body, method) == line
