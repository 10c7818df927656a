"""Host, method and the longest prefix on a segment border choose the route; what has none gets an answer that helps."""

from typing import Any

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Upstream
from tests.flow.running import Running, Serve, document


@pytest.fixture
async def proxy(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> Running:
    """Routes that overlap."""
    configuration = document(upstream, authority)
    routes: list[dict[str, Any]] = [
        {"path": "/orders", "upstream": "/http/orders", "methods": ["POST", "GET"]},
        {"path": "/orders/urgent", "upstream": "/http/urgent", "methods": ["POST"]},
        {"path": "/orders", "upstream": "/http/partner", "host": "partner.example", "name": "partner"},
        {"path": "/a%2Fb", "upstream": "/http/encoded"},
    ]
    configuration["routes"] = [
        {**route, "upstream": f"{upstream.url}{route['upstream']}", "oauth_client": "orders"} for route in routes
    ]
    return await serve(configuration)


@pytest.mark.parametrize(
    ("start", "delivered"),
    [
        (b"POST /orders", b"/http/orders"),
        (b"POST /orders/", b"/http/orders/"),
        (b"POST /orders/urgency", b"/http/orders/urgency"),
        (b"POST /orders/urgent", b"/http/urgent"),
        (b"POST /orders/urgent/1?x=/y", b"/http/urgent/1?x=/y"),
        (b"POST /orders?x=/orders/urgent", b"/http/orders?x=/orders/urgent"),
        (b"GET /orders/urgent", b"/http/orders/urgent"),
        (b"POST /a%2Fb/c", b"/http/encoded/c"),
        (b"DELETE http://partner.example/orders/1", b"/http/partner/1"),
    ],
)
async def test_the_longest_prefix_that_takes_the_request_wins(
    proxy: Running, upstream: Upstream, start: bytes, delivered: bytes
) -> None:
    """A border is a slash, a question mark, or the end."""
    assert (await (await proxy.sender()).ask(request(start, body=b""))).status == 200
    assert upstream.requests[0].target == delivered


@pytest.mark.parametrize("host", [b"partner.example", b"PARTNER.example:8080"])
async def test_a_host_is_compared_without_case_and_port(proxy: Running, upstream: Upstream, host: bytes) -> None:
    """And its routes come before those of any host."""
    octets = b"GET /orders HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    assert (await (await proxy.sender()).ask(octets)).status == 200
    assert upstream.requests[0].target == b"/http/partner"


@pytest.mark.parametrize(
    "start",
    [b"POST /", b"POST /order", b"POST /ordersX", b"POST /orders%2F1", b"POST /Orders", b"POST /a/b", b"POST //orders"],
)
async def test_what_no_route_takes_is_a_404(proxy: Running, upstream: Upstream, start: bytes) -> None:
    """And leaves no trace in the metrics' labels but an empty route."""
    refused = await (await proxy.sender()).ask(request(start, body=b"x"))
    assert (refused.status, refused.code, upstream.connections) == (404, "route_unknown", 0)
    assert (await proxy.record())["route"] == ""


async def test_a_method_that_no_route_takes_is_a_405(proxy: Running, upstream: Upstream) -> None:
    """With Allow (RFC 9110 §15.5.6)."""
    refused = await (await proxy.sender()).ask(request(b"DELETE /orders/urgent"))
    assert (refused.status, refused.code, upstream.connections) == (405, "method_not_allowed", 0)
    assert refused.field(b"Allow") == [b"GET, POST"]


@pytest.mark.parametrize(
    "rest",
    [
        b"/..",
        b"/../invoices",
        b"/a/../../invoices",
        b"/%2e%2e/invoices",
        b"/.%2E/invoices",
        b"/%252e%252e/invoices",
        b"/..%2finvoices",
        b"/..%5cinvoices",
        b"/..\\invoices",
        b"/..;x/invoices",
        b"/a/..;/..;/invoices",
    ],
)
async def test_a_path_that_climbs_out_is_a_400(proxy: Running, upstream: Upstream, rest: bytes) -> None:
    """Read as the laxest server would, and nothing is sent."""
    refused = await (await proxy.sender()).ask(request(b"POST /orders" + rest, body=b"x"))
    assert (refused.status, refused.code, upstream.connections) == (400, "target_outside_route", 0)


async def test_a_url_that_means_another_host_is_not_delivered(proxy: Running, upstream: Upstream) -> None:
    """A sender that takes us for its HTTP proxy has messages for others too."""
    refused = await (await proxy.sender()).ask(request(b"POST http://other.example/orders", body=b"x"))
    assert (refused.status, refused.code, upstream.connections) == (404, "route_unknown", 0)


@pytest.mark.parametrize(
    ("start", "status", "code"),
    [
        (b"CONNECT tenant.example:443", 501, "connect_refused"),
        (b"connect tenant.example:443", 400, "request_malformed"),
        (b"connect /orders", 501, "connect_refused"),
        (b"TRACE /orders", 405, "method_not_allowed"),
        (b"OPTIONS *", 405, "method_not_allowed"),
        (b"GET ftp://tenant.example/orders", 400, "request_malformed"),
    ],
)
async def test_what_is_no_request_to_a_resource_is_refused(
    proxy: Running, upstream: Upstream, start: bytes, status: int, code: str
) -> None:
    """CONNECT wants a tunnel, TRACE would show the token; only CONNECT has a host and port alone for its target."""
    refused = await (await proxy.sender()).ask(request(start))
    assert (refused.status, refused.code, upstream.connections) == (status, code, 0)


async def test_an_upgrade_is_ignored(proxy: Running, upstream: Upstream) -> None:
    """RFC 9110 §7.8 allows it: the request is served as plain HTTP/1.1."""
    fields = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13")
    assert (await (await proxy.sender()).ask(request(b"POST /orders", *fields, body=b"x"))).status == 200
    assert (upstream.requests[0].field(b"Upgrade"), upstream.requests[0].field(b"Connection")) == ([], [])


async def test_two_requests_over_one_connection_may_take_two_routes(proxy: Running, upstream: Upstream) -> None:
    """With bodies of either framing."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders/urgent", b"Transfer-Encoding: chunked") + chunked(b"one"))
    await sender.ask(request(b"POST /orders", body=b"two"))
    assert [(each.target, bytes(each.body)) for each in upstream.requests] == [
        (b"/http/urgent", b"one"),
        (b"/http/orders", b"two"),
    ]
