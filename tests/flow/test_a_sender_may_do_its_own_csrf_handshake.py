"""A request that carries X-CSRF-Token does its own handshake; the session's cookies go through under our prefix."""

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import Answer, request
from tests.flow.running import Running

ORDER = b'{"productIdentifier":"HT-1080"}'


def cookie_field(fetched: Answer) -> bytes:
    """What a cookie jar sends back."""
    return b"Cookie: " + b"; ".join(value.partition(b";")[0] for value in fetched.field(b"Set-Cookie"))


async def test_the_seeds_two_requests_work(proxy: Running, tenant: Tenant) -> None:
    """Nothing is added to them."""
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
    """They are for the route, without Secure."""
    fetched = await proxy.ask(request(b"GET /http/orders", b"X-CSRF-Token: Fetch"))
    cookies = fetched.field(b"Set-Cookie")
    assert len(cookies) == 3
    assert all(cookie.startswith(b"cpi.http~") for cookie in cookies)
    assert all(b"secure" not in cookie.lower() and b"domain" not in cookie.lower() for cookie in cookies)
    assert all(b"Path=/http" in cookie for cookie in cookies)
