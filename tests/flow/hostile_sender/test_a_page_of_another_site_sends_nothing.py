"""A page of another site cannot send through the proxy, and no token is requested for it."""

from tests.cases import cases
from tests.flow.hostile_sender.fence import Fence, with_host

REFUSED = (403, "cross_site_refused")


@cases(
    "fields",
    (b"Sec-Fetch-Site: cross-site", b"Origin: https://evil.example", b"Content-Type: text/plain"),
    (b"Sec-Fetch-Site: same-site",),
    (b"Sec-Fetch-Site: same-origin", b"Sec-Fetch-Site: cross-site"),
    (b"Origin: https://evil.example",),
    (b"Origin: null",),
    (b"Origin: http://127.0.0.1:1",),
    (b"Origin: ",),
)
@cases("method", b"POST", b"GET", b"OPTIONS")
async def test_another_sites_page_sends_nothing(fence: Fence, method: bytes, fields: tuple[bytes, ...]) -> None:
    """No token is requested."""
    octets = with_host(method + b" /orders", b"127.0.0.1:%d" % fence.proxy.port, *fields)
    assert await fence.refusal(octets) == REFUSED


@cases("host", b"evil.example", b"evil.example:%d", b"localhost.evil.example", b"127.0.0.1.evil.example")
async def test_a_name_that_was_pointed_here_sends_nothing(fence: Fence, host: bytes) -> None:
    """DNS rebinding."""
    host = host.replace(b"%d", b"%d" % fence.proxy.port)
    fields = (b"Sec-Fetch-Site: same-origin", b"Origin: http://" + host)
    assert await fence.refusal(with_host(b"POST /orders", host, *fields)) == REFUSED


async def test_a_key_makes_no_page_ours(fence: Fence) -> None:
    """A browser might have the key."""
    fields = (b"X-API-Key: the-right-key", b"Sec-Fetch-Site: cross-site")
    assert await fence.refusal(with_host(b"POST /keyed", b"127.0.0.1", *fields)) == REFUSED


async def test_a_page_of_this_address_may_send(fence: Fence) -> None:
    """So may the user, by the address bar."""
    host = b"localhost:%d" % fence.proxy.port
    for fields in ((b"Sec-Fetch-Site: same-origin",), (b"Sec-Fetch-Site: none",), (b"Origin: http://" + host,), ()):
        assert (await fence.ask(with_host(b"POST /orders", host, *fields))).status == 200
