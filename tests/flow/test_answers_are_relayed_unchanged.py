"""What the upstream answers is what the sender gets: status, reason, fields, body; we add X-Request-ID."""

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import POST, Orders, Running

STATUSES = [200, 201, 202, 204, 206, 300, 302, 304, 307, 400, 403, 404, 409, 422, 500, 501, 502, 503, 504, 599]


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_is_relayed_with_its_reason_and_body(
    orders: Orders, upstream: Upstream, status: int
) -> None:
    """No redirect is followed, no failure is dressed up."""
    body = b"" if status in (204, 304) else b"as it is"
    upstream.follow(answer(status, b"Location: https://elsewhere.example/", body=body, reason=b"My Own Reason"))
    proxy = await orders()
    relayed = await proxy.ask(POST)
    assert relayed.start == b"HTTP/1.1 %d My Own Reason" % status
    assert relayed.field(b"Location") == [b"https://elsewhere.example/"]
    assert (relayed.body, len(upstream.requests)) == (body, 1)


async def test_an_upstream_does_not_speak_for_the_proxy(orders: Orders, upstream: Upstream) -> None:
    """Its Proxy-Status is dropped, so that one tells the proxy's failures; its Connection takes no type away."""
    forged = (b"Proxy-Status: here; error=connection_refused", b"Connection: content-type", b"Content-Type: text/xml")
    upstream.follow(answer(502, *forged, body=b"as it is"))
    proxy = await orders()
    relayed = await proxy.ask(POST)
    assert (relayed.status, relayed.field(b"Proxy-Status"), relayed.field(b"Content-Type")) == (502, [], [b"text/xml"])
    assert (await proxy.record())["made_by"] == "upstream"


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, br", b"of its own"])
async def test_codings_of_bodies_go_through_in_both_directions(
    orders: Orders, upstream: Upstream, coding: bytes
) -> None:
    """Nothing is unpacked, so nothing need be known of them."""
    upstream.follow(answer(200, b"Content-Encoding: " + coding, body=b"packed"))
    proxy = await orders()
    relayed = await proxy.ask(request(b"POST /orders", b"Content-Encoding: " + coding, body=b"other"))
    assert (relayed.status, relayed.field(b"Content-Encoding"), relayed.body) == (200, [coding], b"packed")
    received = upstream.requests[0]
    assert (received.field(b"Content-Encoding"), bytes(received.body)) == ([coding], b"other")


async def test_a_failed_flow_is_relayed_and_its_mpl_id_logged(proxy: Running, tenant: Tenant) -> None:
    """The id stands in the text only (SAP's spelling)."""
    relayed = await proxy.ask(request(b"POST /http/fail?reason=why", body=b"x"))
    assert relayed.status == 500
    assert b"An internal server error occured: why" in relayed.body
    record = await proxy.record()
    assert (record["made_by"], record["mpl_id"]) == ("upstream", tenant.messages[0].mpl_id)


async def test_large_answers_come_whole(proxy: Running) -> None:
    """With their length, octet for octet."""
    relayed = await proxy.ask(request(b"GET /http/download?bytes=3000000"))
    assert relayed.field(b"Content-Length") == [b"3000000"]
    assert relayed.body == (bytes(range(256)) * 11719)[:3000000]
