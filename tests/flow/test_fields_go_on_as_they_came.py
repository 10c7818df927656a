"""End-to-end fields keep case, order, repetition and octets, in both directions; hop-by-hop fields end here."""

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Serve, document

KEPT = (
    b'SOAPAction: "urn:x#send"',
    b"content-TYPE: text/xml; charset=utf-8",
    b"Accept: text/xml",
    b"ACCEPT: multipart/related",
    b"SAP_ApplicationID: 4711",
    b"SapMessageIdEx: 0050569A",
    b"X-Umlaut: K\xf6ln",
    b"X-Empty: ",
    b"accept: image/gif",
    b"Content-Encoding: gzip",
    b"User-Agent: SAP NetWeaver Application Server (1.0;758)",
)
HOP_BY_HOP = (
    b"Connection: close, X-Named, TE",
    b"X-Named: named in Connection",
    b"Keep-Alive: timeout=5",
    b"Proxy-Connection: Keep-Alive",
    b"TE: deflate,gzip;q=0.3",
    b"Trailer: X-Late",
    b"Upgrade: h2c",
)


async def test_a_request_keeps_its_fields(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Between our own Host in front and our Via, Authorization and Content-Length behind, nothing is changed."""
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders", *KEPT, body=b"x"))
    assert upstream.requests[0].lines == [
        b"Host: 127.0.0.1:%d" % upstream.port,
        *KEPT,
        b"Via: 1.1 here",
        b"Authorization: Bearer token-1",
        b"Content-Length: 1",
    ]


async def test_fields_of_a_trace_go_on_as_they_came(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """W3C Trace Context and Baggage are end-to-end fields; whether they make sense is for others to say."""
    fields = (
        b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"TraceState: congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
        b"tracestate: third=\xff ;x",
        b"Baggage: userId=alice,serverNode=DF%2028,isProduction=false",
        b"Traceparent: malformed",
    )
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"GET /orders", *fields))
    assert upstream.requests[0].lines[1:-2] == [*fields]


async def test_hop_by_hop_fields_of_a_request_end_here(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Those that RFC 9110 §7.6.1 lists, and those that Connection names."""
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"GET /orders", *HOP_BY_HOP, b"X-Kept: yes"))
    assert upstream.requests[0].lines == [
        b"Host: 127.0.0.1:%d" % upstream.port,
        b"X-Kept: yes",
        b"Via: 1.1 here",
        b"Authorization: Bearer token-1",
    ]


async def test_an_answer_keeps_its_fields(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """What we add stands behind them."""
    fields = (b"X-b: 1", b"x-A: 2", b"X-b: 3", b"Server: SAP", b"X-Umlaut: K\xf6ln", b"Date: today")
    hops = (b"Connection: keep-alive, X-Named", b"X-Named: gone", b"Keep-Alive: timeout=5", b"Trailer: X-Late")
    upstream.script[0] = answer(200, *fields, *hops, body=b"text")
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"GET /orders", b"X-Request-ID: mine"))
    assert [b": ".join(each) for each in relayed.fields] == [*fields, b"Content-Length: 4", b"X-Request-ID: mine"]
    assert relayed.body == b"text"


@pytest.mark.parametrize(
    ("name", "goes_on"),
    [
        (b"SAP_Sender", True),
        (b"SAP_Receiver", True),
        (b"SAP_MessageType", True),
        (b"SAP_ApplicationID", True),
        (b"SAP_MessageProcessingLogLevel", False),
        (b"CamelHttpResponseCode", False),
        (b"Content_Length", False),
        (b"X-Forwarded-For", False),
        (b"Forwarded", False),
    ],
)
async def test_fields_that_steer_the_tenant_need_leave(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, name: bytes, *, goes_on: bool
) -> None:
    """Of `SAP_*` and `Camel*` four go on; what another server could take for framing or an origin does not."""
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"GET /orders", name + b": 1"))
    assert upstream.requests[0].field(name) == ([b"1"] if goes_on else [])


async def test_a_route_may_let_all_sap_fields_go_on(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """`forward_sap_fields: true`."""
    proxy = await serve(document(upstream, authority, forward_sap_fields=True))
    await (await proxy.sender()).ask(request(b"GET /orders", b"SAP_Other: 1", b"CamelFileName: 2"))
    assert upstream.requests[0].lines[1:3] == [b"SAP_Other: 1", b"CamelFileName: 2"]


async def test_a_route_drops_and_sets_fields(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """What is set stands in place of the sender's."""
    proxy = await serve(document(upstream, authority, drop_fields=["X-Internal"], set_fields={"X-System": "ERP"}))
    await (await proxy.sender()).ask(request(b"GET /orders", b"x-internal: 1", b"X-SYSTEM: faked", b"X-Kept: 2"))
    assert upstream.requests[0].lines[1:3] == [b"X-Kept: 2", b"X-System: ERP"]


@pytest.mark.parametrize(
    ("style", "lines"),
    [
        ("off", []),
        (
            "x-forwarded",
            [b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-Proto: http", b"X-Forwarded-Host: proxy.example"],
        ),
        ("rfc7239", [b'Forwarded: for=127.0.0.1;proto=http;host="proxy.example"']),
    ],
)
async def test_the_upstream_learns_who_sent_as_the_route_says(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, style: str, lines: list[bytes]
) -> None:
    """What the sender itself claims is dropped in any case."""
    proxy = await serve(document(upstream, authority, forwarded=style))
    await (await proxy.sender()).ask(request(b"GET /orders", b"X-Forwarded-For: 9.9.9.9", b"Forwarded: for=9.9.9.9"))
    assert upstream.requests[0].lines[2:-1] == lines
