"""What the upstream receives of a request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import Forwarded
from proxy.errors import Loop
from proxy.forwarding.prepared_request import prepare
from proxy.forwarding.target import Target
from tests.cases import cases
from tests.unit.forwarding.world import MemorySender, Pair, request, route

ADDRESS = "192.0.2.7"
REST = st.binary(max_size=30).map(lambda rest: bytes(octet for octet in rest if octet > 0x20 and octet != 0x7F))


def sent_target(target: str, **options: Any) -> bytes:
    """Returns the target at the upstream."""
    return prepare(request(f"POST {target}"), ADDRESS, route(**options)).target


def sent_lines(*fields: Pair, **options: Any) -> list[bytes]:
    """Returns the field lines at the upstream."""
    return prepare(request("POST /orders", *fields), ADDRESS, route(**options)).fields


@cases(
    "path, upstream, target, sent",
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
)
def test_the_prefix_is_replaced_by_what_it_stands_for(path: str, upstream: str, target: str, sent: bytes) -> None:
    """The rest is unchanged."""
    assert sent_target(target, path=path, upstream=upstream) == sent


@given(rest=REST)
def test_the_target_survives_byte_for_byte_behind_the_prefix(rest: bytes) -> None:
    """No byte is decoded, encoded or normalized."""
    given_request = request("POST /orders")
    given_request.target = Target(b"", b"/orders/" + rest)

    assert prepare(given_request, ADDRESS, route()).target == b"/http/in/" + rest


def test_fields_go_on_before_via() -> None:
    """`set_fields` come between them."""
    fields = ((b"X-b", b"1"), (b"Authorization", b"secret"), (b"Via", b"1.0 other"), (b"X-b", b"2"), (b"X-C", b"no"))

    assert sent_lines(*fields, set_fields={"X-C": "ours"}) == [
        b"X-b: 1",
        b"Via: 1.0 other",
        b"X-b: 2",
        b"X-C: ours",
        b"Via: 1.1 cpi-test",
    ]


def test_via_tells_the_version_that_was_received() -> None:
    """RFC 9110 §7.6.3 requires it."""
    assert prepare(request("GET /orders", minor=0), ADDRESS, route()).fields == [b"Via: 1.0 cpi-test"]


@cases(
    "vias",
    {
        "alone": [b"1.1 cpi-test"],
        "in a list": [b"1.0 a, 1.1 cpi-test (comment)"],
        "on a second line": [b"1.0 a", b"HTTP/1.1\tcpi-test"],
    },
)
def test_our_own_name_in_via_is_a_loop(vias: list[bytes]) -> None:
    """RFC 9110 §7.6.3 defines the field."""
    with pytest.raises(Loop):
        sent_lines(*((b"Via", value) for value in vias))


@cases("via", b"1.1 cpi-test-2", b"1.1 CPI-TEST", b"1.1 a (cpi-test)", b"cpi-test", b",", b"")
def test_another_name_in_via_is_none(via: bytes) -> None:
    """It has to be the whole pseudonym."""
    assert sent_lines((b"Via", via))[-1] == b"Via: 1.1 cpi-test"


def test_only_the_upstreams_own_cookies_go_on() -> None:
    """The prefix is removed."""
    fields = ((b"Cookie", b"MYSAPSSO2=x; cpi.orders~S=1"), (b"cookie", b"cpi.orders~T=2"))

    prepared = prepare(request("POST /orders", *fields), ADDRESS, route())

    assert prepared.cookies == b"S=1; T=2"
    assert prepared.fields == [b"Via: 1.1 cpi-test"]


XFF, RFC = Forwarded.X_FORWARDED, Forwarded.RFC7239


@cases(
    "style, address, secure, expected",
    (XFF, ADDRESS, False, "X-Forwarded-For: 192.0.2.7|X-Forwarded-Proto: http|X-Forwarded-Host: proxy.example"),
    (XFF, "", True, "X-Forwarded-Proto: https|X-Forwarded-Host: proxy.example"),
    (RFC, ADDRESS, True, 'Forwarded: for=192.0.2.7;proto=https;host="proxy.example"'),
    (RFC, "2001:db8::1", False, 'Forwarded: for="[2001:db8::1]";proto=http;host="proxy.example"'),
    (RFC, "", False, 'Forwarded: for=unknown;proto=http;host="proxy.example"'),
)
def test_the_upstream_learns_the_sender_where_the_route_says_so(
    style: Forwarded, address: str, expected: str, *, secure: bool
) -> None:
    """Its own fields are dropped; a Unix socket has no address."""
    fields = ((b"X-Forwarded-For", b"6.6.6.6"), (b"Forwarded", b"for=6.6.6.6"), (b"X-Forwarded-Port", b"1"))
    given_request = request("POST /orders", *fields, sender=MemorySender(secure=secure))

    assert prepare(given_request, address, route(forwarded=style)).fields == [
        b"Via: 1.1 cpi-test",
        *expected.encode().split(b"|"),
    ]


@cases(
    "style, line",
    (XFF, b"X-Forwarded-Proto: http"),
    (RFC, b"Forwarded: for=192.0.2.7;proto=http"),
)
def test_without_a_host_none_is_told(style: Forwarded, line: bytes) -> None:
    """HTTP/1.0 has no mandatory Host."""
    assert prepare(request("POST /orders", host=b"", minor=0), ADDRESS, route(forwarded=style)).fields[-1] == line


def test_nothing_is_told_by_default() -> None:
    """The default is `forwarded: off`."""
    assert not [line for line in sent_lines((b"X-Forwarded-For", b"10.0.0.1")) if b"orwarded" in line]


@cases("fields, has", ((), False), (((b"X-CSRF-Token", b""),), True), (((b"x-csrf-token", b"Fetch"),), True))
def test_a_sender_that_speaks_of_csrf_tokens_does_its_own_handshake(fields: tuple[Pair, ...], *, has: bool) -> None:
    """The value does not matter."""
    assert prepare(request("POST /orders", *fields), ADDRESS, route()).has_csrf_token is has


def test_lines_of_our_own_span_go_on() -> None:
    """Each attempt has them."""
    lines = (b"traceparent: 00-1-2-01", b"tracestate: a=b")
    prepared = prepare(request("POST /orders", minor=0), ADDRESS, route(), lines)

    assert prepared.fields == [b"Via: 1.0 cpi-test", *lines]


@cases("method, idempotent", ("PUT", True), ("DELETE", True), ("POST", False), ("put", False))
def test_only_idempotent_methods_may_be_sent_again_when_the_first_may_have_arrived(
    method: str,
    idempotent: bool,
) -> None:
    """RFC 9110 §9.2.2."""
    assert prepare(request(f"{method} /orders"), ADDRESS, route()).idempotent is idempotent
