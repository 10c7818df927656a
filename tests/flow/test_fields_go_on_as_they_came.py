"""End-to-end fields keep case, order, repetition and octets, in both directions; hop-by-hop fields end here."""

from typing import Any

from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Orders, Running

KEPT = (
    b'SOAPAction: "urn:x#send"',
    b"content-TYPE: text/xml; charset=utf-8",
    b"Accept: text/xml",
    b"ACCEPT: multipart/related",
    b"SAP_ApplicationID: 4711",
    b"SAP_Sender: ERP",
    b"SAP_Receiver: CPI",
    b"SAP_MessageType: ORDERS",
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


async def lines(orders: Orders, upstream: Upstream, *fields: bytes, **route: Any) -> list[bytes]:
    """The field lines of a GET at the upstream, without ours."""
    proxy = await orders(**route)
    await proxy.ask(request(b"GET /orders", *fields))
    return upstream.requests[0].lines[1:-2]


async def test_a_request_keeps_its_fields(plain: Running, upstream: Upstream) -> None:
    """Ours come before and after them."""
    await plain.ask(request(b"POST /orders", *KEPT, body=b"x"))
    assert upstream.requests[0].lines == [
        b"Host: 127.0.0.1:%d" % upstream.port,
        *KEPT,
        b"Via: 1.1 here",
        b"Authorization: Bearer token-1",
        b"Content-Length: 1",
    ]


async def test_fields_of_a_trace_go_on_as_they_came(orders: Orders, upstream: Upstream) -> None:
    """Even if a value is invalid."""
    fields = (
        b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"TraceState: congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
        b"tracestate: third=\xff ;x",
        b"Baggage: userId=alice,serverNode=DF%2028,isProduction=false",
        b"Traceparent: malformed",
    )
    assert await lines(orders, upstream, *fields) == [*fields]


async def test_hop_by_hop_fields_of_a_request_end_here(orders: Orders, upstream: Upstream) -> None:
    """RFC 9110 §7.6.1."""
    assert await lines(orders, upstream, *HOP_BY_HOP, b"X-Kept: yes") == [b"X-Kept: yes"]


async def test_an_answer_keeps_its_fields(plain: Running, upstream: Upstream) -> None:
    """Our own fields follow."""
    fields = (b"X-b: 1", b"x-A: 2", b"X-b: 3", b"Server: SAP", b"X-Umlaut: K\xf6ln", b"Date: today")
    hops = (b"Connection: keep-alive, X-Named", b"X-Named: gone", b"Keep-Alive: timeout=5", b"Trailer: X-Late")
    upstream.follow(answer(200, *fields, *hops, body=b"text"))
    relayed = await plain.ask(request(b"GET /orders", b"X-Request-ID: mine"))
    assert [b": ".join(each) for each in relayed.fields] == [*fields, b"Content-Length: 4", b"X-Request-ID: mine"]
    assert relayed.body == b"text"
