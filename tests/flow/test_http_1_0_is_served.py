"""SAP PI, Axis 1.4 and others speak HTTP/1.0: without Host, without chunks, one request for each connection."""

from collections import deque

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked
from tests.fakes.upstream import Upstream, answer, answering, head
from tests.flow.running import Serve, document


async def test_a_request_without_host_is_delivered(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """As HTTP/1.1; Via tells what it was, and the connection ends with the answer."""
    upstream.script[0] = answer(200, body=b"done")
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    relayed = await sender.ask(b"POST /orders HTTP/1.0\r\nContent-length: 3\r\n\r\nabc")
    assert (relayed.status, relayed.body, relayed.field(b"Connection")) == (200, b"done", [b"close"])
    assert await sender.rest() == b""
    received = upstream.requests[0]
    assert received.head.startswith(b"POST /http/orders HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % upstream.port)
    assert (received.field(b"Via"), bytes(received.body)) == ([b"1.0 here"], b"abc")


async def test_keep_alive_is_kept_where_it_is_asked_for(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """As ApacheBench does."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    for _ in range(2):
        relayed = await sender.ask(b"POST /orders HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-length: 1\r\n\r\nx")
        assert (relayed.status, relayed.field(b"Connection")) == (200, [b"keep-alive"])


@pytest.mark.parametrize("octets", [chunked(b"the ", b"message"), chunked(b"the message" * 10000)])
async def test_an_answer_in_chunks_comes_without_them(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, octets: bytes
) -> None:
    """With its length where it is known in time, else up to the end of the connection."""
    upstream.script = deque([answering(head(200, b"Transfer-Encoding: chunked") + octets)])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    relayed = await sender.ask(b"GET /orders HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert relayed.field(b"Transfer-Encoding") == []
    assert relayed.body in (b"the message", b"the message" * 10000)


async def test_two_cookie_fields_become_one(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Axis sends one for each cookie."""
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(
        b"GET /orders HTTP/1.0\r\nCookie: cpi.orders~A=1\r\nCookie: cpi.orders~B=2\r\n\r\n"
    )
    assert upstream.requests[0].field(b"Cookie") == [b"A=1; B=2"]


async def test_a_chunked_request_is_refused(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """HTTP/1.0 knows no Transfer-Encoding; who reads it and who does not would see two requests (RFC 9112 §6.1)."""
    proxy = await serve(document(upstream, authority))
    octets = b"POST /orders HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"x")
    refused = await (await proxy.sender()).ask(octets)
    assert (refused.status, refused.code, upstream.requests) == (400, "request_malformed", [])


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/1.2", b"HTTP/3.0"])
async def test_other_versions_are_a_505(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, version: bytes
) -> None:
    """With the two that are served."""
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(b"GET /orders " + version + b"\r\nHost: x\r\n\r\n")
    assert (refused.status, refused.code) == (505, "version_unsupported")
    assert refused.problem["detail"] == "Send HTTP/1.1 or HTTP/1.0."
