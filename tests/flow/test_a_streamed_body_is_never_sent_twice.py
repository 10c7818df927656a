"""A body above `buffer` is gone once it was sent: a 401 for it is relayed, and the next exchange has a new token."""

from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Orders, Running

LARGE = b"0123456789abcdef" * 8192


async def test_a_401_for_a_streamed_body_is_relayed(orders: Orders, upstream: Upstream) -> None:
    """Its token is renewed all the same."""
    upstream.follow(answer(200), answer(401, body=b"no"), answer(200))
    proxy = await orders(buffer="1KiB")
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


async def test_a_403_that_asks_for_a_csrf_token_is_relayed_too(orders: Orders, upstream: Upstream) -> None:
    """The sender's next try is delivered."""
    fetched = answer(200, b"X-CSRF-Token: NONCE", b"Set-Cookie: A=a")
    upstream.follow(answer(403, b"X-CSRF-Token: Required"), fetched, answer(200))
    proxy = await orders(buffer="1KiB")
    sender = await proxy.sender()
    refused = await sender.ask(request(b"POST /orders", body=LARGE))
    assert (refused.status, [each.method for each in upstream.requests]) == (403, [b"POST", b"HEAD"])
    assert (await sender.ask(request(b"POST /orders", body=LARGE))).status == 200
    assert upstream.requests[2].field(b"X-CSRF-Token") == [b"NONCE"]


async def test_a_stuttering_sender_does_not_stutter_at_the_upstream(plain: Running, upstream: Upstream) -> None:
    """The upstream would close after 20 s of silence."""
    sender = await plain.sender()
    octets = request(b"POST /orders", body=b"piece by piece")
    await sender.send_singly(octets[:-1])
    assert upstream.connections == 0
    assert (await sender.ask(octets[-1:])).status == 200
    assert bytes(upstream.requests[0].body) == b"piece by piece"
