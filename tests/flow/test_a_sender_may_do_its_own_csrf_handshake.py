"""A request that carries X-CSRF-Token does its own handshake; the session's cookies go through under our prefix."""

from collections import deque

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Answer, request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Running, Serve, document

ORDER = b'{"productIdentifier":"HT-1080"}'


def cookie_field(fetched: Answer) -> bytes:
    """What a cookie jar sends back."""
    return b"Cookie: " + b"; ".join(value.partition(b";")[0] for value in fetched.field(b"Set-Cookie"))


async def test_the_seeds_two_requests_work(proxy: Running, tenant: Tenant) -> None:
    """GET with X-CSRF-Token: fetch, then POST with the token and the cookies; nothing is added to them."""
    sender = await proxy.sender()
    fetched = await sender.ask(request(b"GET /http/orders", b"X-CSRF-Token: fetch"))
    token = fetched.field(b"X-CSRF-Token")[0]
    posted = await sender.ask(
        request(b"POST /http/orders", b"X-CSRF-Token: " + token, cookie_field(fetched), body=ORDER)
    )
    assert (fetched.status, posted.status) == (200, 200)
    assert b"Photo Scan" in posted.body
    assert [message.method for message in tenant.messages] == ["GET", "POST"]


async def test_cookies_reach_the_sender_under_our_prefix(proxy: Running) -> None:
    """Three of them, each for the whole route or what lies under it, without Secure on a plain listener."""
    fetched = await (await proxy.sender()).ask(request(b"GET /http/orders", b"X-CSRF-Token: Fetch"))
    cookies = fetched.field(b"Set-Cookie")
    assert len(cookies) == 3
    assert all(cookie.startswith(b"cpi.http~") for cookie in cookies)
    assert all(b"secure" not in cookie.lower() and b"domain" not in cookie.lower() for cookie in cookies)
    assert all(b"Path=/http" in cookie for cookie in cookies)


@pytest.mark.parametrize("value", [b" stale", b""])
async def test_a_refused_token_of_the_senders_own_is_its_own_affair(
    proxy: Running, tenant: Tenant, value: bytes
) -> None:
    """The 403 is relayed, and no fetch is made; an empty field is one too."""
    refused = await (await proxy.sender()).ask(request(b"POST /http/orders", b"X-CSRF-Token:" + value, body=ORDER))
    assert (refused.status, refused.field(b"X-CSRF-Token")) == (403, [b"Required"])
    assert [message.method for message in tenant.messages] == ["POST"]


async def test_values_survive_byte_for_byte(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """There and back, whatever the sender's jar makes of other cookies."""
    value = b'a%2Bb!c=="d+e'
    upstream.script = deque(
        [answer(200, b"Set-Cookie: S=%b; Domain=.hana.ondemand.com; Path=/http/orders/sub; HttpOnly" % value), answer()]
    )
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    first = await sender.ask(request(b"GET /orders", b"X-CSRF-Token: Fetch"))
    assert first.field(b"Set-Cookie") == [b"cpi.orders~S=%b; Path=/orders/sub; HttpOnly" % value]
    await sender.ask(request(b"GET /orders", b"Cookie: other=1; cpi.orders~S=%b" % value, b"Cookie: cpi.orders~T=2"))
    assert upstream.requests[1].field(b"Cookie") == [b"S=%b; T=2" % value]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_a_route_may_drop_cookies(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, method: bytes
) -> None:
    """`cookies: drop`."""
    upstream.script[0] = answer(200, b"Set-Cookie: S=1")
    proxy = await serve(document(upstream, authority, cookies="drop"))
    relayed = await (await proxy.sender()).ask(request(method + b" /orders"))
    assert relayed.field(b"Set-Cookie") == []


async def test_cookies_of_one_route_do_not_reach_another(proxy: Running, tenant: Tenant) -> None:
    """Their prefix names the route."""
    sender = await proxy.sender()
    fetched = await sender.ask(request(b"GET /http/orders", b"X-CSRF-Token: Fetch"))
    await sender.ask(request(b"GET /btp/download", cookie_field(fetched)))
    assert tenant.messages[-1].field("Cookie") == ()
