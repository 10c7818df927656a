"""SAP PI, Axis 1.4 and others speak HTTP/1.0: without Host, without chunks, one request for each connection."""

from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Running


async def test_a_request_without_host_is_delivered(plain: Running, upstream: Upstream) -> None:
    """Via tells the version."""
    upstream.follow(answer(200, body=b"done"))
    sender = await plain.sender()
    relayed = await sender.ask(b"POST /orders HTTP/1.0\r\nContent-length: 3\r\n\r\nabc")
    assert (relayed.status, relayed.body, relayed.field(b"Connection")) == (200, b"done", [b"close"])
    assert await sender.rest() == b""
    received = upstream.requests[0]
    assert received.head.startswith(b"POST /http/orders HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % upstream.port)
    assert (received.field(b"Via"), bytes(received.body)) == ([b"1.0 here"], b"abc")


async def test_keep_alive_is_kept_where_it_is_asked_for(plain: Running) -> None:
    """As ApacheBench does."""
    sender = await plain.sender()
    for _ in range(2):
        relayed = await sender.ask(b"POST /orders HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-length: 1\r\n\r\nx")
        assert (relayed.status, relayed.field(b"Connection")) == (200, [b"keep-alive"])
