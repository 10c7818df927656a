"""`content_types` and `rate`: what a route does not take is refused before anything is read or fetched."""

import pytest

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Upstream
from tests.flow.running import Orders, Running, Serve, document

XML, TEXT = b"Content-Type: Application/XML; charset=utf-8", b"Content-Type: text/csv"
JSON = b"Content-Type: application/json"


@pytest.fixture
async def proxy(orders: Orders) -> Running:
    """A proxy whose route takes XML and text."""
    return await orders(content_types=["application/xml", "text/*"])


@cases(
    "octets",
    request(b"POST /orders", XML, body=b"<a/>"),
    request(b"PUT /orders", TEXT, body=b"a;b"),
    request(b"POST /orders", TEXT, b"Transfer-Encoding: chunked") + chunked(b"a"),
    request(b"POST /orders", JSON, body=b""),
    request(b"POST /orders", body=b""),
    request(b"GET /orders"),
)
async def test_content_that_the_route_takes_passes_and_so_does_none(proxy: Running, octets: bytes) -> None:
    """Whatever the method."""
    assert (await (await proxy.sender()).ask(octets)).status == 200


@cases(
    "octets",
    request(b"POST /orders", JSON, body=b"{}"),
    request(b"POST /orders", body=b"{}"),
    request(b"GET /orders", JSON, body=b"{}"),
    request(b"POST /orders", JSON, b"Transfer-Encoding: chunked") + chunked(b"a"),
    request(b"POST /orders", JSON, b"Expect: 100-continue", b"Content-Length: 5"),
)
async def test_other_content_is_a_415(
    proxy: Running, upstream: Upstream, authority: AuthorizationServer, octets: bytes
) -> None:
    """No token is asked for."""
    refused = await (await proxy.sender()).ask(octets)
    assert refused.refusal == (415, "content_type_not_allowed")
    assert refused.field(b"Accept") == [b"application/xml, text/*"]
    assert refused.field(b"Proxy-Status") == [b'here; error=http_request_denied; details="content_type_not_allowed"']
    assert "application/xml, text/* only" in refused.problem["detail"]
    assert (upstream.connections, len(authority.requests)) == (0, 0)
    assert (await proxy.record())["code"] == "content_type_not_allowed"


async def test_a_sender_that_asks_too_often_is_a_429(orders: Orders, upstream: Upstream) -> None:
    """Its connection goes on."""
    proxy = await orders(rate={"per_sender": "6/m", "burst": 2})
    sender, octets = await proxy.sender(), request(b"POST /orders", body=b"x")
    assert [(await sender.ask(octets)).status for _ in range(3)] == [200, 200, 429]
    refused = await sender.ask(octets)
    assert (refused.status, refused.code, refused.field(b"Retry-After")) == (429, "rate_exceeded", [b"10"])
    assert refused.field(b"Proxy-Status") == [b'here; error=http_request_denied; details="rate_exceeded"']
    assert (await proxy.ask(octets)).status == 429
    proxy.clock.advance(10)
    assert [(await sender.ask(octets)).status for _ in range(2)] == [200, 429]
    assert len(upstream.requests) == 3


async def test_behind_trusted_proxies_each_sender_has_its_own_rate(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """IPv6 by /64."""
    given = document(upstream, authority, rate={"per_sender": "1/h"}) | {"trusted_proxies": ["127.0.0.0/8"]}
    sender = await (await serve(given)).sender()
    statuses = []
    for address in (b"192.0.2.1", b"192.0.2.2", b"9.9.9.9, 192.0.2.1", b"2001:db8::1", b"2001:db8::2", b"2001:db9::1"):
        octets = request(b"POST /orders", b"X-Forwarded-For: " + address, body=b"x")
        statuses.append((await sender.ask(octets)).status)
    assert statuses == [200, 200, 429, 200, 429, 200]
