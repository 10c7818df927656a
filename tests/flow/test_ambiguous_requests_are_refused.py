"""What two readers could take for different requests is taken by none: 400, and nothing reaches the upstream."""

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import HOST
from tests.fakes.upstream import Upstream
from tests.flow.running import Serve, document

PLANTED = b"POST /orders/planted HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """A request line with these fields and what follows."""
    return b"\r\n".join([b"POST /orders HTTP/1.1", HOST, *lines, b"", b""]) + body


@pytest.mark.parametrize(
    "octets",
    [
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello"),
        post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
        post(b"Content-Length: 5, 5", body=b"hello"),
        post(b"Content-Length: +5", body=b"hello"),
        post(b"Content-Length: 0x5", body=b"hello"),
        post(b"Content-Length: -1", body=b"hello"),
        post(b"Content-Length: 5 ", b" 6", body=b"hello"),
        post(b"Content-Length : 5", body=b"hello"),
        post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
        post(b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
        post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
        post(b"X: a\rContent-Length: 5"),
        post(b"X: a\nContent-Length: 5"),
        post(b"X: a\x00b"),
        post(b"no colon"),
        post(b": no name"),
        post(b"X: folded", b" line"),
        b"POST /orders HTTP/1.1\nHost: x\n\n",
        b"POST /orders\r\nHost: x\r\n\r\n",
        b"POST /orders HTTP/1.1\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /orders HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"POST /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"P\x80ST /orders HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_a_doubtful_head_is_a_400_and_the_end(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, octets: bytes
) -> None:
    """Nothing behind it is read."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    refused = await sender.ask(octets + PLANTED)
    assert (refused.status, refused.code, refused.field(b"Connection")) == (400, "request_malformed", [b"close"])
    sender.finish()
    assert (await sender.rest(), upstream.requests) == (b"", [])


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5;a\x01b\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"0\r\nno trailer\r\n\r\n",
        b"5\r\nhello\r\n0\r\n X: folded\r\n\r\n",
    ],
)
async def test_a_doubtful_chunk_is_a_400_and_the_end(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, body: bytes
) -> None:
    """By the letter of RFC 9112 §7.1."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    refused = await sender.ask(post(b"Transfer-Encoding: chunked", body=body) + PLANTED)
    assert (refused.status, refused.code) == (400, "request_malformed")
    sender.finish()
    assert (await sender.rest(), upstream.requests) == (b"", [])


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"005;name=value\r\nhello\r\n000\r\nX-Trailer: dropped\r\n\r\n", b"hello"),
        (b"A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", b"0123456789x"),
        (b"0\r\n\r\n", b""),
    ],
)
async def test_what_the_grammar_allows_is_one_request(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, body: bytes, content: bytes
) -> None:
    """Its trailers are dropped, and what follows it is the next."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(post(b"Transfer-Encoding: chunked", body=body) + PLANTED)
    assert [(await sender.answer()).status for _ in range(2)] == [200, 200]
    assert [(each.target, bytes(each.body)) for each in upstream.requests] == [
        (b"/http/orders", content),
        (b"/http/orders/planted", b""),
    ]
    assert all(b"Trailer" not in each.head for each in upstream.requests)


async def test_a_host_that_is_none_is_a_400(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Where the body ends is in no doubt, so the connection goes on."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.send(b"POST /orders HTTP/1.1\r\nHost: a b\r\n\r\n" + PLANTED)
    assert [(await sender.answer()).status for _ in range(2)] == [400, 200]
    assert [each.target for each in upstream.requests] == [b"/http/orders/planted"]
