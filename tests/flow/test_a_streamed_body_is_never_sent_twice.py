"""A body above `buffer` is gone once it was sent: a 401 for it is relayed, and the next exchange has a new token."""

from collections import deque

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Serve, document

LARGE = b"0123456789abcdef" * 8192


async def test_a_401_for_a_streamed_body_is_relayed(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Its token is renewed all the same."""
    upstream.script = deque([answer(200), answer(401, body=b"no"), answer(200)])
    proxy = await serve(document(upstream, authority, buffer="1KiB"))
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", body=LARGE))
    proxy.clock.advance(60)
    refused = await sender.ask(request(b"POST /orders", body=LARGE))
    assert (refused.status, refused.body) == (401, b"no")
    await proxy.lines.reach("token.granted", 2)
    assert (await sender.ask(request(b"POST /orders", body=LARGE))).status == 200
    assert [(bytes(each.body), each.field(b"Authorization")) for each in upstream.requests] == [
        (LARGE, [b"Bearer token-1"]),
        (LARGE, [b"Bearer token-1"]),
        (LARGE, [b"Bearer token-2"]),
    ]


async def test_a_403_that_asks_for_a_csrf_token_is_relayed_too(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The handshake is made all the same, so that the message comes through when the sender tries again."""
    fetched = answer(200, b"X-CSRF-Token: NONCE", b"Set-Cookie: A=a")
    upstream.script = deque([answer(403, b"X-CSRF-Token: Required"), fetched, answer(200)])
    proxy = await serve(document(upstream, authority, buffer="1KiB"))
    sender = await proxy.sender()
    refused = await sender.ask(request(b"POST /orders", body=LARGE))
    assert (refused.status, [each.method for each in upstream.requests]) == (403, [b"POST", b"HEAD"])
    assert (await sender.ask(request(b"POST /orders", body=LARGE))).status == 200
    assert upstream.requests[2].field(b"X-CSRF-Token") == [b"NONCE"]


async def test_a_small_body_goes_out_with_its_length_however_it_came(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Chunks of a sender are collected up to `buffer`."""
    proxy = await serve(document(upstream, authority))
    head = request(b"POST /orders", b"Transfer-Encoding: chunked")
    await (await proxy.sender()).ask(head + chunked(b"one, ", b"two, ", b"three"))
    received = upstream.requests[0]
    assert (received.field(b"Content-Length"), received.field(b"Transfer-Encoding")) == ([b"15"], [])
    assert bytes(received.body) == b"one, two, three"


async def test_a_stuttering_sender_does_not_stutter_at_the_upstream(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The upstream hears nothing before the last octet is there: it would close after 20 s of silence."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    octets = request(b"POST /orders", body=b"piece by piece")
    await sender.send_singly(octets[:-1])
    assert upstream.connections == 0
    assert (await sender.ask(octets[-1:])).status == 200
    assert bytes(upstream.requests[0].body) == b"piece by piece"


async def test_a_large_body_keeps_its_length(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """What was announced is announced."""
    proxy = await serve(document(upstream, authority, buffer="1KiB"))
    await (await proxy.sender()).ask(request(b"POST /orders", body=LARGE))
    received = upstream.requests[0]
    assert (received.field(b"Content-Length"), bytes(received.body)) == ([b"%d" % len(LARGE)], LARGE)


async def test_a_large_chunked_body_stays_chunked(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Nobody knows its length before its end."""
    proxy = await serve(document(upstream, authority, buffer="1KiB"))
    head = request(b"POST /orders", b"Transfer-Encoding: chunked")
    answered = await (await proxy.sender()).ask(head + chunked(LARGE, b"and more"))
    received = upstream.requests[0]
    assert answered.status == 200
    assert (received.field(b"Transfer-Encoding"), received.field(b"Content-Length")) == ([b"chunked"], [])
    assert bytes(received.body) == LARGE + b"and more"


async def test_an_empty_post_says_so(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Content-Length: 0 (RFC 9110 §8.6); a GET has none."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders"))
    await sender.ask(request(b"GET /orders"))
    assert [each.field(b"Content-Length") for each in upstream.requests] == [[b"0"], []]
