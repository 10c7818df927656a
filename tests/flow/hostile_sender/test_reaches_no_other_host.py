"""A request goes to the upstream of its route or nowhere, whatever it says about hosts."""

from collections import deque

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, Reply
from tests.fakes.sender import request
from tests.fakes.upstream import answer
from tests.flow.hostile_sender.fence import Fence, with_host
from tests.flow.running import POST

LOCATIONS = [b"http://evil.example/", b"//evil.example/", b"/http/invoices", b"http://user@evil.example/"]


MALFORMED, UNKNOWN = (400, "request_malformed"), (404, "route_unknown")


@cases(
    "start, host, refusal",
    {
        "userinfo in Host (RFC 9112 §3.2)": (b"/orders", b"proxy.example@%(evil)b", MALFORMED),
        "a path in Host": (b"/orders", b"evil.example/orders", MALFORMED),
        "two Host fields": (b"/orders", b"proxy.example\r\nHost: %(evil)b", MALFORMED),
        "a URL of another host (RFC 9112 §3.2.2)": (b"http://evil.example/orders", b"%(ours)b", UNKNOWN),
        "a URL of a server that exists": (b"http://%(evil)b/orders", b"proxy.example", UNKNOWN),
        "userinfo that looks like our host": (b"http://%(ours)b@evil.example/orders", b"x", UNKNOWN),
        "userinfo twice": (b"http://a@b@evil.example/orders", b"x", MALFORMED),
        "an encoded at sign": (b"http://127.0.0.1%%40evil.example/orders", b"x", UNKNOWN),
        "another scheme": (b"ftp://evil.example/orders", b"x", MALFORMED),
        "a relative path": (b"orders", b"x", MALFORMED),
        "a longer host name of the upstream": (b".evil.example/", b"x", MALFORMED),
        "the upstream as userinfo": (b"@evil.example/", b"x", MALFORMED),
        "two slashes": (b"//evil.example/orders", b"x", UNKNOWN),
        "a slash and a backslash": (b"/\\evil.example/orders", b"x", UNKNOWN),
        "a URL in the path": (b"/http://evil.example/orders", b"x", UNKNOWN),
        "an at sign after the prefix": (b"/orders@evil.example/", b"x", UNKNOWN),
    },
)
async def test_a_request_for_another_host_is_refused(
    fence: Fence, start: bytes, host: bytes, refusal: tuple[int, str]
) -> None:
    """Nothing is sent, and no token is requested."""
    names = {b"evil": fence.evil, b"ours": b"127.0.0.1:%d" % fence.proxy.port}
    assert await fence.refusal(with_host(b"POST " + start % names, host % names)) == refusal


@cases(
    "target, sent",
    {
        "userinfo, which is dropped": (b"http://cAnAryHidden:x@127.0.0.1/orders/1", b"/1"),
        "another port of our host": (b"http://127.0.0.1:%d/orders/1", b"/1"),
        "a URL in the path": (b"/orders/http://evil.example/", b"/http://evil.example/"),
        "an at sign in the path": (b"/orders/@evil.example/", b"/@evil.example/"),
    },
)
async def test_the_route_alone_chooses_the_upstream(fence: Fence, target: bytes, sent: bytes) -> None:
    """The upstream gets its own name as Host."""
    target = target.replace(b"%d", b"%d" % fence.elsewhere.port)
    assert (await fence.delivery(request(b"POST " + target, body=b"x"))).target == b"/http/orders" + sent


@cases(
    "line",
    *(b"X-Host: %b", b"X-Forwarded-Server: %b", b"X-Original-Host: %b", b"X-Backend-Host: %b"),
    *(b"X-Original-URL: /invoices", b"X-Rewrite-URL: /invoices", b"X-Forwarded-Prefix: /invoices"),
)
async def test_no_field_chooses_host_or_target(fence: Fence, line: bytes) -> None:
    """The request line and Host decide."""
    received = await fence.delivery(request(b"POST /orders/1", line.replace(b"%b", fence.evil), body=b"x"))
    assert received.target == b"/http/orders/1"


@cases("status", 301, 302, 303, 307, 308)
@cases("location", *LOCATIONS)
async def test_a_redirect_of_the_upstream_is_relayed_and_not_followed(
    fence: Fence, status: int, location: bytes
) -> None:
    """The sender gets its Location, but no token."""
    fence.script(b"Location: " + location, status=status)
    answered = await fence.ask(POST)
    assert (answered.status, answered.field(b"Location"), fence.targets) == (status, [location], [b"/http/orders"])


async def test_no_field_of_an_answer_moves_the_next_request(fence: Fence) -> None:
    """They are only relayed."""
    evil = b'Alt-Svc: http/1.1="' + fence.evil + b'"'
    fence.script(evil, b"Refresh: 0; url=//" + fence.evil, b"Content-Location: //" + fence.evil)
    sender = await fence.proxy.sender()
    for _ in range(3):
        assert (await sender.ask(POST)).status == 200
    assert (fence.targets, fence.upstream.connections) == ([b"/http/orders"] * 3, 1)


@cases("status", 301, 302, 303, 307, 308)
async def test_a_redirect_of_the_token_endpoint_is_not_followed(fence: Fence, status: int) -> None:
    """The secret is sent to the token URL only."""
    location = ("Location", f"{fence.elsewhere.url}/token")
    authority: AuthorizationServer = fence.authorities[b"orders"]
    authority._script = deque([Reply(status=status, fields=(location,))])
    answered = await fence.ask(POST)
    assert answered.refusal == (502, "grant_malformed")
    assert (fence.targets, len(authority.requests)) == ([], 1)


async def test_a_csrf_handshake_follows_no_redirect(fence: Fence) -> None:
    """The token is fetched at the path of the message."""
    moved = answer(302, b"Location: http://" + fence.evil + b"/")
    fence.upstream.follow(answer(403, b"X-CSRF-Token: Required"), moved)
    answered = await fence.ask(POST)
    assert answered.status == 403
    assert set(fence.targets) == {b"/http/orders"}
