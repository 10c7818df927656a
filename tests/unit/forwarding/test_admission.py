"""Which requests are refused before their body is read."""

from ipaddress import ip_network
from typing import Any

import pytest

from proxy.errors import (
    ConnectRefused,
    CrossSiteRefused,
    ExpectationUnknown,
    MethodNotAllowed,
    ProxyError,
    RequestMalformed,
    RouteUnknown,
    SenderNotAllowed,
    TargetOutsideRoute,
)
from proxy.forwarding.admission import admit
from proxy.forwarding.routes import Routes
from tests.cases import cases
from tests.unit.forwarding.world import MemorySender, Pair, request, route

LOCAL = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
CONTINUE = (b"Expect", b"100-Continue")


def test_an_allowed_request_gets_its_route() -> None:
    """`Expect: 100-continue` has no case (RFC 9110 §10.1.1)."""
    ours = route(allow=LOCAL)

    assert admit(request("POST /orders/x", CONTINUE), "192.0.2.7", Routes([ours])) is ours


@cases(
    "start, fields, error",
    {
        "CONNECT": ("CONNECT h:443", (), ConnectRefused),
        "CONNECT to a path": ("CONNECT /orders", (), ConnectRefused),
        "TRACE": ("TRACE /orders", (), MethodNotAllowed),
        "TRACE in another case": ("trace /orders", (), MethodNotAllowed),
        "TRACE by its other name": ("TRACK /orders", (), MethodNotAllowed),
        "CONNECT in another case": ("Connect /orders", (), ConnectRefused),
        "the asterisk": ("OPTIONS *", (), MethodNotAllowed),
        "a target of another scheme": ("GET ftp://h/orders", (), RequestMalformed),
        "a path without route": ("GET /other", (), RouteUnknown),
        "a path that climbs": ("GET /orders/../x", (), TargetOutsideRoute),
        "an unknown expectation": ("POST /orders", ((b"Expect", b"miracles"),), ExpectationUnknown),
        "one more expectation": ("POST /orders", ((b"Expect", b"100-continue, x"),), ExpectationUnknown),
    },
)
def test_a_request_is_refused(start: str, fields: tuple[Pair, ...], error: type[ProxyError]) -> None:
    """Each refusal has its own error."""
    with pytest.raises(error):
        admit(request(start, *fields), "192.0.2.7", Routes([route()]))


@cases("host", b"a b", b"a/b", b"u@h", b'h"x', b"h\\", b"h?x", b"<h>", b"\xe4")
def test_a_host_field_that_names_no_host_is_malformed(host: bytes) -> None:
    """RFC 9112 §3.2 requires 400."""
    with pytest.raises(RequestMalformed, match="Host"):
        admit(request("GET /orders", host=host), "192.0.2.7", Routes([route()]))


@cases("host", b"", b"h", b"h:80", b"[::1]:8080", b"a_b.example", b"x%20y")
def test_a_host_field_may_hold_what_urls_hold(host: bytes) -> None:
    """RFC 3986 §3.2.2; it may be empty (RFC 9110 §7.2)."""
    ours = route()
    assert admit(request("GET /orders", host=host), "192.0.2.7", Routes([ours])) is ours


OWN_NAMES = frozenset({"proxy.corp"})


@cases(
    "host, local",
    {
        "our address": ("192.0.2.1:8080", "192.0.2.1"),
        "our address, on a socket for both families": ("192.0.2.1", "::ffff:192.0.2.1"),
        "our IPv6 address": ("[2001:db8::1]:80", "2001:db8::1"),
        "a name of ours": ("PROXY.corp", "192.0.2.1"),
        "the upstream: it takes us for an HTTP proxy": ("u.example", "192.0.2.1"),
        "localhost, on loopback": ("localhost:8080", "127.0.0.1"),
        "localhost, on a Unix socket": ("localhost", ""),
    },
)
def test_a_url_may_name_us_or_the_upstream(host: str, local: str) -> None:
    """RFC 9112 §3.2.2 allows absolute targets."""
    sent = request(f"POST http://{host}/orders", sender=MemorySender(local=local))

    ours = route()
    assert admit(sent, "192.0.2.7", Routes([ours]), OWN_NAMES) is ours


@cases(
    "host, local",
    ("other.example", "192.0.2.1"),
    ("localhost", "192.0.2.1"),
    ("192.0.2.2", "192.0.2.1"),
    ("192.0.2.1", ""),
)
def test_a_url_of_another_host_is_not_ours(host: str, local: str) -> None:
    """Its message is meant for some other system."""
    sent = request(f"POST http://{host}/orders", sender=MemorySender(local=local))

    with pytest.raises(RouteUnknown, match="names another host"):
        admit(sent, "192.0.2.7", Routes([route()]), OWN_NAMES)


def test_a_route_with_a_host_has_said_which_it_means() -> None:
    """Its host is not compared with ours."""
    ours = route(host="other.example")

    assert admit(request("POST http://other.example/orders"), "192.0.2.7", Routes([ours])) is ours


def test_http_1_0_has_no_expectations() -> None:
    """RFC 9110 §10.1.1 has the field ignored."""
    ours = route()
    assert admit(request("POST /orders", (b"Expect", b"miracles"), minor=0), "192.0.2.7", Routes([ours])) is ours


SAME, NONE = (b"Sec-Fetch-Site", b"same-origin"), (b"sec-fetch-site", b"none")
CROSS, EVIL = (b"Sec-Fetch-Site", b"cross-site"), (b"Origin", b"https://evil.example")


@cases(
    "host, fields",
    {
        "a page of another site": (b"127.0.0.1:8080", (CROSS,)),
        "a name that somebody has pointed here": (b"evil.example:8080", (SAME,)),
        "a name that begins with an address": (b"127.0.0.1%evil.example", (SAME,)),
        "no name": (b"", (SAME,)),
    },
)
def test_a_browser_may_not_send_for_other_sites(host: bytes, fields: tuple[Pair, ...]) -> None:
    """The route may allow it."""
    marked = request("POST /orders", *fields, host=host)
    with pytest.raises(CrossSiteRefused):
        admit(marked, "192.0.2.7", Routes([route()]), OWN_NAMES)

    allowing = route(cross_site="allow")
    assert admit(marked, "192.0.2.7", Routes([allowing]), OWN_NAMES) is allowing
    ours = route()
    assert admit(request("POST /orders", host=host), "192.0.2.7", Routes([ours]), OWN_NAMES) is ours


@cases("fields", (SAME,), (NONE,), (SAME, EVIL))
@cases(
    "start, host, options",
    {
        "an address": ("POST /orders", b"127.0.0.1:8080", {}),
        "an IPv6 address": ("POST /orders", b"[::1]:8080", {}),
        "localhost": ("POST /orders", b"LocalHost.:8080", {}),
        "this machine's name": ("POST /orders", b"Proxy.corp", {}),
        "the route's host": ("POST /orders", b"mine.example.:8080", {"host": "mine.example"}),
        "a URL, which overrides Host": ("POST http://127.0.0.1:8080/orders", b"evil.example", {}),
    },
)
def test_a_browser_may_send_for_our_own_pages(
    start: str, host: bytes, fields: tuple[Pair, ...], options: dict[str, Any]
) -> None:
    """Sec-Fetch-Site precedes Origin."""
    ours = route(**options)
    marked = request(start, *fields, host=host, sender=MemorySender(local="127.0.0.1"))
    assert admit(marked, "192.0.2.7", Routes([ours]), OWN_NAMES) is ours


def test_trace_is_answered_with_what_is_allowed() -> None:
    """RFC 9110 §15.5.6 requires the list."""
    with pytest.raises(MethodNotAllowed) as raised:
        admit(request("TRACE /orders"), "192.0.2.7", Routes([route()]))

    assert raised.value.fields() == [("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")]


def test_an_address_that_is_not_listed_is_refused_before_its_expectation() -> None:
    """The first refusal wins."""
    with pytest.raises(SenderNotAllowed):
        admit(request("POST /orders", (b"Expect", b"x")), "198.51.100.1", Routes([route(allow=LOCAL)]))
