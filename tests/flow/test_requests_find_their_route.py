"""Host, method and the longest prefix on a segment border choose the route; what has none gets an answer that helps."""

from typing import Any

import pytest

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
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


@cases(
    "start, delivered",
    (b"POST /orders", b"/http/orders"),
    (b"POST /orders/", b"/http/orders/"),
    (b"POST /orders/urgency", b"/http/orders/urgency"),
    (b"POST /orders/urgent", b"/http/urgent"),
    (b"POST /orders/urgent/1?x=/y", b"/http/urgent/1?x=/y"),
    (b"POST /orders?x=/orders/urgent", b"/http/orders?x=/orders/urgent"),
    (b"GET /orders/urgent", b"/http/orders/urgent"),
    (b"POST /a%2Fb/c", b"/http/encoded/c"),
    (b"DELETE http://partner.example/orders/1", b"/http/partner/1"),
)
async def test_the_longest_prefix_that_takes_the_request_wins(
    proxy: Running, upstream: Upstream, start: bytes, delivered: bytes
) -> None:
    """A border is a slash, a question mark, or the end."""
    assert (await proxy.ask(request(start, body=b""))).status == 200
    assert upstream.requests[0].target == delivered


@cases("host", b"partner.example", b"PARTNER.example:8080")
async def test_a_host_is_compared_without_case_and_port(proxy: Running, upstream: Upstream, host: bytes) -> None:
    """And its routes come before those of any host."""
    octets = b"GET /orders HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    assert (await proxy.ask(octets)).status == 200
    assert upstream.requests[0].target == b"/http/partner"


@cases(
    "start",
    b"POST /",
    b"POST /order",
    b"POST /ordersX",
    b"POST /orders%2F1",
    b"POST /Orders",
    b"POST /a/b",
    b"POST //orders",
)
async def test_what_no_route_takes_is_a_404(proxy: Running, upstream: Upstream, start: bytes) -> None:
    """Its route is empty in metrics."""
    refused = await proxy.ask(request(start, body=b"x"))
    assert (refused.status, refused.code, upstream.connections) == (404, "route_unknown", 0)
    assert (await proxy.record())["route"] == ""


async def test_a_method_that_no_route_takes_is_a_405(proxy: Running, upstream: Upstream) -> None:
    """With Allow (RFC 9110 §15.5.6)."""
    refused = await proxy.ask(request(b"DELETE /orders/urgent"))
    assert (refused.status, refused.code, upstream.connections) == (405, "method_not_allowed", 0)
    assert refused.field(b"Allow") == [b"GET, POST"]
