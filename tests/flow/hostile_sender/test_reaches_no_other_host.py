"""Whatever a sender says about hosts, its request goes to its route's upstream or nowhere."""

from collections import deque

import pytest

from tests.fakes.authorization_server import AuthorizationServer, Reply
from tests.fakes.sender import request
from tests.fakes.upstream import answer
from tests.flow.hostile_sender.fence import Fence, with_host

CLAIMS = [b"X-Forwarded-Host", b"X-Host", b"X-Forwarded-Server", b"X-Original-Host", b"X-Backend-Host"]
LOCATIONS = [b"http://evil.example/", b"//evil.example/", b"/http/invoices", b"http://user@evil.example/"]


async def test_a_host_field_chooses_no_other_upstream(fence: Fence) -> None:
    """It does not even reach the upstream, which gets its own name."""
    received = await fence.delivery(with_host(b"POST /orders/1", fence.evil))
    assert (received.target, bytes(received.body)) == (b"/http/orders/1", b"x")
    assert fence.evil not in received.head


async def test_a_host_field_with_userinfo_is_malformed(fence: Fence) -> None:
    """It names no host (RFC 9112 §3.2)."""
    assert await fence.refusal(with_host(b"POST /orders", b"proxy.example@" + fence.evil)) == (400, "request_malformed")


async def test_two_host_fields_are_malformed(fence: Fence) -> None:
    """Nobody could say which one counts."""
    octets = with_host(b"POST /orders", b"proxy.example", b"Host: " + fence.evil)
    assert await fence.end(octets) == (400, "request_malformed")


@pytest.mark.parametrize("host", [b"evil.example/orders", b"evil.example?", b"evil.example\\x", b"a, evil.example"])
async def test_a_host_field_with_more_than_a_host_chooses_nothing(fence: Fence, host: bytes) -> None:
    """Whatever a careless reader might find in it."""
    answered = await fence.ask(with_host(b"POST /orders", host))
    assert (answered.status, fence.targets) == (400, [])


async def test_an_absolute_target_with_another_authority_is_not_delivered(fence: Fence) -> None:
    """A sender that takes us for an open proxy."""
    assert await fence.refusal(request(b"POST http://evil.example/orders", body=b"x")) == (404, "route_unknown")
    assert await fence.refusal(request(b"POST http://" + fence.evil + b"/orders", body=b"x")) == (404, "route_unknown")


async def test_an_absolute_target_counts_and_not_the_host_field_beside_it(fence: Fence) -> None:
    """RFC 9112 §3.2.2."""
    octets = with_host(b"POST http://evil.example/orders", b"127.0.0.1:%d" % fence.proxy.port)
    assert await fence.refusal(octets) == (404, "route_unknown")


async def test_userinfo_that_looks_like_our_host_is_not_taken_for_it(fence: Fence) -> None:
    """The host stands behind the @."""
    ours = b"127.0.0.1:%d" % fence.proxy.port
    assert await fence.refusal(request(b"POST http://" + ours + b"@evil.example/orders")) == (404, "route_unknown")


async def test_userinfo_that_names_another_host_is_no_host(fence: Fence) -> None:
    """Nor does it go on: it may be somebody's password."""
    received = await fence.delivery(request(b"POST http://cAnAryHidden:x@127.0.0.1/orders/1", body=b"x"))
    assert received.target == b"/http/orders/1"
    assert b"@" not in received.head


@pytest.mark.parametrize(
    ("authority", "refusal"),
    [
        (b"a@b@evil.example", (400, "request_malformed")),
        (b"127.0.0.1\\@evil.example", (400, "request_malformed")),
        (b"127.0.0.1%40evil.example", (404, "route_unknown")),
    ],
)
async def test_an_authority_that_can_be_read_in_two_ways_is_not_delivered(
    fence: Fence, authority: bytes, refusal: tuple[int, str]
) -> None:
    """By us it is not guessed at."""
    assert await fence.refusal(request(b"POST http://" + authority + b"/orders", body=b"x")) == refusal


async def test_a_port_in_an_absolute_target_chooses_no_other_port(fence: Fence) -> None:
    """Our own host with the port of another server is still us, so the message goes where its route leads."""
    received = await fence.delivery(request(b"POST http://127.0.0.1:%d/orders" % fence.elsewhere.port, body=b"x"))
    assert received.target == b"/http/orders"


@pytest.mark.parametrize("start", [b"ftp://evil.example/orders", b"file:///etc/passwd", b"gopher://evil.example/"])
async def test_another_scheme_is_malformed(fence: Fence, start: bytes) -> None:
    """There is no way but HTTP from here."""
    assert await fence.refusal(request(b"GET " + start)) == (400, "request_malformed")


@pytest.mark.parametrize("start", [b"http:///orders", b"http:orders", b"http:/orders", b"http://?"])
async def test_an_absolute_target_without_an_authority_is_malformed(fence: Fence, start: bytes) -> None:
    """It is no path either."""
    answered = await fence.ask(request(b"GET " + start))
    assert (answered.status, answered.code, fence.targets) == (400, "request_malformed", [])


async def test_two_slashes_in_front_name_no_host(fence: Fence) -> None:
    """It is a path, which no route has."""
    assert await fence.refusal(request(b"POST //evil.example/orders", body=b"x")) == (404, "route_unknown")
    assert await fence.refusal(request(b"POST /\\evil.example/orders", body=b"x")) == (404, "route_unknown")


async def test_a_url_within_the_path_is_a_path(fence: Fence) -> None:
    """As it would be for a gateway that appends it to nothing."""
    assert await fence.refusal(request(b"POST /http://evil.example/orders", body=b"x")) == (404, "route_unknown")
    received = await fence.delivery(request(b"POST /orders/http://evil.example/", body=b"x"))
    assert received.target == b"/http/orders/http://evil.example/"


async def test_an_at_sign_behind_the_prefix_makes_no_userinfo_of_it(fence: Fence) -> None:
    """`upstream` + `@evil.example` would be another host, were they put together without a border."""
    assert await fence.refusal(request(b"POST /orders@evil.example/", body=b"x")) == (404, "route_unknown")
    received = await fence.delivery(request(b"POST /orders/@evil.example/", body=b"x"))
    assert received.target == b"/http/orders/@evil.example/"


async def test_a_target_without_a_slash_is_malformed(fence: Fence) -> None:
    """`.evil.example` would lengthen the upstream's host name."""
    for target in (b"orders", b".evil.example/", b"@evil.example/", b":80/orders"):
        answered = await fence.ask(request(b"GET " + target))
        assert (answered.status, answered.code) == (400, "request_malformed")
    assert fence.targets == []


@pytest.mark.parametrize("name", CLAIMS)
async def test_no_field_claims_another_host(fence: Fence, name: bytes) -> None:
    """The request line decides."""
    assert (
        await fence.delivery(request(b"POST /orders", name + b": " + fence.evil, body=b"x"))
    ).target == b"/http/orders"


async def test_x_forwarded_host_does_not_go_on(fence: Fence) -> None:
    """An application behind us would make links of it."""
    received = await fence.delivery(request(b"GET /orders", b"X-Forwarded-Host: evil.example", b"X-Forwarded-Port: 1"))
    assert b"evil.example" not in received.head
    assert b"X-Forwarded" not in received.head


async def test_forwarded_does_not_go_on(fence: Fence) -> None:
    """RFC 7239 is a claim like any other."""
    received = await fence.delivery(request(b"GET /orders", b"Forwarded: for=1.2.3.4;host=evil.example;proto=https"))
    assert b"evil.example" not in received.head


@pytest.mark.parametrize("name", [b"X-Original-URL", b"X-Rewrite-URL", b"X-Forwarded-Prefix", b"X-Original-URI"])
async def test_no_field_replaces_the_target(fence: Fence, name: bytes) -> None:
    """Neither for the choice of the route nor for what is sent."""
    received = await fence.delivery(request(b"GET /orders/1", name + b": /invoices"))
    assert received.target == b"/http/orders/1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", LOCATIONS)
async def test_a_redirect_of_the_upstream_is_relayed_and_not_followed(
    fence: Fence, status: int, location: bytes
) -> None:
    """With its Location: it is the sender's to decide, who has no token."""
    fence.script(b"Location: " + location, status=status)
    answered = await fence.ask(request(b"POST /orders", body=b"x"))
    assert (answered.status, answered.field(b"Location"), fence.targets) == (status, [location], [b"/http/orders"])


async def test_no_field_of_an_answer_moves_the_next_request(fence: Fence) -> None:
    """Alt-Svc, Refresh, Link and Content-Location are the sender's affair."""
    evil = b'Alt-Svc: http/1.1="' + fence.evil + b'"'
    fence.script(evil, b"Refresh: 0; url=//" + fence.evil, b"Content-Location: //" + fence.evil)
    sender = await fence.proxy.sender()
    for _ in range(3):
        assert (await sender.ask(request(b"POST /orders", body=b"x"))).status == 200
    assert (fence.targets, fence.upstream.connections) == ([b"/http/orders"] * 3, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_of_the_token_endpoint_is_not_followed(fence: Fence, status: int) -> None:
    """The secret goes to the token URL and nowhere else; nothing is sent without a token."""
    location = ("Location", f"{fence.elsewhere.url}/token")
    authority: AuthorizationServer = fence.authorities[b"orders"]
    authority._script = deque([Reply(status=status, fields=(location,))])
    answered = await fence.ask(request(b"POST /orders", body=b"x"))
    assert (answered.status, answered.code) == (502, "grant_malformed")
    assert (fence.targets, len(authority.requests)) == ([], 1)


async def test_a_csrf_handshake_follows_no_redirect(fence: Fence) -> None:
    """It is made at the message's own address, with a token."""
    moved = answer(302, b"Location: http://" + fence.evil + b"/")
    fence.upstream.script = deque([answer(403, b"X-CSRF-Token: Required"), moved])
    answered = await fence.ask(request(b"POST /orders", body=b"x"))
    assert answered.status == 403
    assert set(fence.targets) == {b"/http/orders"}
