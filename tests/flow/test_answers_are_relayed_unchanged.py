"""What the upstream answers is what the sender gets: status, reason, fields, body; we add X-Request-ID."""

from collections import deque

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Upstream, answer, answering, head
from tests.flow.running import Running, Serve, document

STATUSES = [200, 201, 202, 204, 206, 300, 302, 304, 307, 400, 403, 404, 409, 422, 500, 501, 502, 503, 504, 599]


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_is_relayed_with_its_reason_and_body(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, status: int
) -> None:
    """No redirect is followed, no failure is dressed up."""
    body = b"" if status in (204, 304) else b"as it is"
    upstream.script[0] = answer(status, b"Location: https://elsewhere.example/", body=body, reason=b"My Own Reason")
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert relayed.start == b"HTTP/1.1 %d My Own Reason" % status
    assert relayed.field(b"Location") == [b"https://elsewhere.example/"]
    assert (relayed.body, len(upstream.requests)) == (body, 1)


async def test_an_upstream_does_not_speak_for_the_proxy(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Its Proxy-Status is dropped, so that one tells the proxy's failures; its Connection takes no type away."""
    forged = (b"Proxy-Status: here; error=connection_refused", b"Connection: content-type", b"Content-Type: text/xml")
    upstream.script[0] = answer(502, *forged, body=b"as it is")
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert (relayed.status, relayed.field(b"Proxy-Status"), relayed.field(b"Content-Type")) == (502, [], [b"text/xml"])
    assert (await proxy.record())["made_by"] == "upstream"


async def test_an_empty_reason_stays_empty(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Tomcat sends none."""
    upstream.script[0] = answer(200)
    proxy = await serve(document(upstream, authority))
    assert (await (await proxy.sender()).ask(request(b"GET /orders"))).start == b"HTTP/1.1 200 "


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, br", b"of its own"])
async def test_codings_of_bodies_go_through_in_both_directions(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, coding: bytes
) -> None:
    """Nothing is unpacked, so nothing need be known of them."""
    upstream.script[0] = answer(200, b"Content-Encoding: " + coding, body=b"packed")
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", b"Content-Encoding: " + coding, body=b"other"))
    assert (relayed.status, relayed.field(b"Content-Encoding"), relayed.body) == (200, [coding], b"packed")
    received = upstream.requests[0]
    assert (received.field(b"Content-Encoding"), bytes(received.body)) == ([coding], b"other")


@pytest.mark.parametrize("fields", [(b"Content-Length: 1234",), ()])
async def test_an_answer_to_head_has_fields_only(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, fields: tuple[bytes, ...]
) -> None:
    """Its Content-Length is that of the body which GET would get (RFC 9110 §9.3.2)."""
    upstream.script = deque([answering(head(200, *fields)), answer(200, body=b"next")])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    relayed = await sender.ask(request(b"HEAD /orders"))
    assert (relayed.status, relayed.field(b"Content-Length")) == (200, [line.split()[1] for line in fields])
    assert (await sender.ask(request(b"GET /orders"))).body == b"next"


async def test_chunks_of_a_small_answer_become_a_length(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Where the end is there already, senders that know no chunks are better served."""
    upstream.script[0] = answering(head(200, b"Transfer-Encoding: chunked") + chunked(b"the ", b"message"))
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"GET /orders"))
    assert (relayed.field(b"Content-Length"), relayed.field(b"Transfer-Encoding")) == ([b"11"], [])
    assert relayed.body == b"the message"


async def test_a_senders_request_id_comes_back(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """And goes on; without one it gets ours, another each time; the upstream's own wins."""
    upstream.script = deque([answer(), answer(), answer(), answer(200, b"x-request-id: theirs")])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    mine = await sender.ask(request(b"GET /orders", b"X-Request-ID: mine"))
    first, second, theirs = [(await sender.ask(request(b"GET /orders"))).field(b"X-Request-ID") for _ in range(3)]
    assert (mine.field(b"X-Request-ID"), upstream.requests[0].field(b"X-Request-ID")) == ([b"mine"], [b"mine"])
    assert len({*first, *second}) == 2
    assert theirs == [b"theirs"]


async def test_a_failed_flow_is_relayed_and_its_mpl_id_logged(proxy: Running, tenant: Tenant) -> None:
    """The id stands in the text only (SAP's spelling)."""
    relayed = await (await proxy.sender()).ask(request(b"POST /http/fail?reason=why", body=b"x"))
    assert relayed.status == 500
    assert b"An internal server error occured: why" in relayed.body
    record = await proxy.record()
    assert (record["made_by"], record["mpl_id"]) == ("upstream", tenant.messages[0].mpl_id)


async def test_large_answers_come_whole(proxy: Running) -> None:
    """With their length, octet for octet."""
    relayed = await (await proxy.sender()).ask(request(b"GET /http/download?bytes=3000000"))
    assert relayed.field(b"Content-Length") == [b"3000000"]
    assert relayed.body == (bytes(range(256)) * 11719)[:3000000]


@pytest.mark.parametrize("fault", ["unavailable", "router_error", "flow_failed", "too_large", "role_missing"])
async def test_the_tenants_failures_are_its_own(proxy: Running, tenant: Tenant, fault: str) -> None:
    """Our own answers have Proxy-Status, these have none."""
    tenant.faults.switch_on(f"runtime.{fault}")
    relayed = await (await proxy.sender()).ask(request(b"POST /http/invoices", body=b"x"))
    assert relayed.status >= 400
    assert (relayed.field(b"Proxy-Status"), tenant.messages.total) == ([], 1)
    assert (await proxy.record())["made_by"] == "upstream"
