"""For a sender that knows nothing of CSRF the proxy does the handshake: after a 403 that requires it, never before."""

import asyncio
from collections import Counter, deque

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer, hang, hang_up
from tests.flow.running import Running, Serve, document, turns, until

ORDER = b'{"productIdentifier":"HT-1080"}'
REQUIRED = answer(403, b"X-CSRF-Token: required", b"Set-Cookie: JSESSIONID=useless")
FETCHED = answer(200, b"X-CSRF-Token: NONCE", b"Set-Cookie: A=a%2B!=; Path=/http; Secure", b"Set-Cookie: B=b; Path=/")


def trail(tenant: Tenant) -> list[tuple[str, int | None]]:
    """What reached the tenant, and how it answered."""
    return [(message.method, message.status) for message in tenant.messages]


async def test_a_post_is_delivered_after_one_handshake(proxy: Running, tenant: Tenant) -> None:
    """POST, 403, HEAD, POST: the sender sees the last answer only, without our session's cookies."""
    sender = await proxy.sender()
    delivered = await sender.ask(request(b"POST /http/orders", body=ORDER))
    assert delivered.status == 200
    assert b"Photo Scan" in delivered.body
    assert (delivered.field(b"Set-Cookie"), delivered.field(b"X-CSRF-Token")) == ([], [])
    assert trail(tenant) == [("POST", 403), ("HEAD", 200), ("POST", 200)]
    assert tenant.runs() == {"/orders": 1}
    record = await proxy.record()
    assert (record["replays"], record["attempts"], record["token"]) == ("fetch_csrf", 2, "granted")


async def test_the_next_post_needs_no_handshake(proxy: Running, tenant: Tenant) -> None:
    """Token and cookies are kept as one unit."""
    for _ in range(3):
        sender = await proxy.sender()
        assert (await sender.ask(request(b"POST /http/orders", body=ORDER))).status == 200
    assert trail(tenant)[2:] == [("POST", 200)] * 3


async def test_twenty_parallel_posts_share_one_handshake(proxy: Running, tenant: Tenant) -> None:
    """And none of them fails."""
    senders = [await proxy.sender() for _ in range(20)]
    answers = await asyncio.gather(*(each.ask(request(b"POST /http/orders", body=ORDER)) for each in senders))
    assert [each.status for each in answers] == [200] * 20
    assert [message.method for message in tenant.messages].count("HEAD") == 1
    assert tenant.runs() == {"/orders": 20}


async def test_a_lost_session_is_replaced(proxy: Running, tenant: Tenant) -> None:
    """The tenant forgets sessions after half an hour, and when a node restarts."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /http/orders", body=ORDER))
    tenant.sessions.clear()
    assert (await sender.ask(request(b"POST /http/orders", body=ORDER))).status == 200
    assert trail(tenant)[3:] == [("POST", 403), ("HEAD", 200), ("POST", 200)]


async def test_get_is_tried_where_head_is_refused(proxy: Running, tenant: Tenant) -> None:
    """405 for HEAD (SAP KBA 2400906)."""
    tenant.faults.switch_on("runtime.head_refused")
    sender = await proxy.sender()
    assert (await sender.ask(request(b"POST /http/orders", body=ORDER))).status == 200
    assert trail(tenant) == [("POST", 403), ("HEAD", 405), ("GET", 200), ("POST", 200)]
    assert tenant.runs() == {"/orders": 1}


async def test_an_unprotected_flow_sees_no_fetch(proxy: Running, tenant: Tenant) -> None:
    """It would run for it."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /http/invoices", body=b"<x/>"))
    assert trail(tenant) == [("POST", 200)]
    assert tenant.messages[0].field("X-CSRF-Token") == ()


async def test_a_missing_role_is_no_reason_to_fetch(proxy: Running, tenant: Tenant) -> None:
    """That 403 says nothing of a CSRF token, and is relayed."""
    tenant.faults.switch_on("runtime.role_missing")
    refused = await (await proxy.sender()).ask(request(b"POST /http/invoices", body=b"<x/>"))
    assert refused.status == 403
    assert trail(tenant) == [("POST", 403)]


@pytest.mark.parametrize("settings", [{"csrf": "off"}])
async def test_a_route_may_leave_it_to_the_sender(proxy: Running, tenant: Tenant) -> None:
    """`csrf: off` relays the 403."""
    refused = await (await proxy.sender()).ask(request(b"POST /http/orders", body=ORDER))
    assert (refused.status, refused.field(b"X-CSRF-Token")) == (403, [b"Required"])
    assert trail(tenant) == [("POST", 403)]


async def test_the_fetch_is_made_at_the_messages_own_path_and_carries_nothing_of_it(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The session belongs to the flow that asked."""
    upstream.script = deque([REQUIRED, FETCHED, answer(200)])
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders/a%2Fb?c=d", b"X-Private: 1", body=b"secret order"))
    fetch = upstream.requests[1]
    assert fetch.head.split(b"\r\n") == [
        b"HEAD /http/orders/a%2Fb?c=d HTTP/1.1",
        b"Host: 127.0.0.1:%d" % upstream.port,
        b"Via: 1.1 here",
        b"X-CSRF-Token: Fetch",
        b"Authorization: Bearer token-1",
        b"",
        b"",
    ]


async def test_the_replay_carries_token_and_cookies_byte_for_byte(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Note 2681175: a cookie that is re-encoded is another one."""
    upstream.script = deque([REQUIRED, FETCHED, answer(200)])
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    first, _, second = upstream.requests
    assert (first.field(b"X-CSRF-Token"), first.field(b"Cookie")) == ([], [])
    assert (second.field(b"X-CSRF-Token"), second.field(b"Cookie")) == ([b"NONCE"], [b"A=a%2B!=; B=b"])


async def test_cookies_of_our_session_update_it_and_stay_with_us(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The load balancer may move the session at any time; a cookie that the fetch has not set is the sender's."""
    moved = answer(200, b"Set-Cookie: B=moved; Path=/", b"Set-Cookie: C=new", b"Set-Cookie: A=; Max-Age=0")
    upstream.script = deque([REQUIRED, FETCHED, moved, answer(200)])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    first = await sender.ask(request(b"POST /orders", body=b"x"))
    await sender.ask(request(b"POST /orders", body=b"x"))
    assert first.field(b"Set-Cookie") == [b"cpi.orders~C=new"]
    assert upstream.requests[-1].field(b"Cookie") == [b"B=moved"]


async def test_a_new_access_token_means_a_new_session(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A unit belongs to the token that it was fetched with."""
    upstream.script = deque([REQUIRED, FETCHED, answer(200), REQUIRED, FETCHED, answer(200)])
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    proxy.clock.advance(3601)
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert [each.method for each in upstream.requests] == [b"POST", b"HEAD", b"POST"] * 2
    assert upstream.requests[3].field(b"X-CSRF-Token") == []
    assert {each.field(b"Authorization")[0] for each in upstream.requests[3:]} == {b"Bearer token-2"}


@pytest.mark.parametrize("useless", [answer(200), answer(404), answer(403, b"X-CSRF-Token: Required"), hang_up])
async def test_a_fetch_in_vain_leaves_the_403_to_the_sender(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, useless: object
) -> None:
    """The message is not sent again without a token."""
    upstream.script = deque([REQUIRED, useless])  # type: ignore[list-item]
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert refused.status == 403
    assert [each.method for each in upstream.requests].count(b"POST") == 1


async def test_a_second_403_is_relayed(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """One handshake for one exchange."""
    upstream.script = deque([REQUIRED, FETCHED, REQUIRED])
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert (refused.status, len(upstream.requests)) == (403, 3)


async def test_token_and_session_may_be_renewed_in_one_exchange(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A tenant that restarted knows neither; each second chance exists once."""
    upstream.script = deque([answer(200), answer(401), REQUIRED, FETCHED, answer(200, body=b"at last")])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", body=b"x"))
    proxy.clock.advance(60)
    delivered = await sender.ask(request(b"POST /orders", body=b"the order"))
    assert (delivered.status, delivered.body) == (200, b"at last")
    assert bytes(upstream.requests[-1].body) == b"the order"
    assert (await proxy.accounts(2))[-1]["replays"] == "renew_token,fetch_csrf"


async def test_a_sender_with_a_session_of_its_own_keeps_it(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The handshake is made within it and for one message; others do not get it, and it does not get ours."""
    upstream.script = deque([REQUIRED, FETCHED, answer(200), REQUIRED, FETCHED, answer(200, b"Set-Cookie: S=own")])
    upstream.script += [answer(200)]
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    owner, other = await proxy.sender(), await proxy.sender()
    delivered = await owner.ask(request(b"POST /orders", b"Cookie: cpi.orders~S=own; cpi.orders~A=old", body=b"x"))
    await other.ask(request(b"POST /orders", body=b"x"))
    assert [each.field(b"Cookie") for each in upstream.requests[3:]] == [
        [b"S=own; A=old"],
        [b"S=own; A=old"],
        [b"S=own; A=a%2B!=; B=b"],
        [b"A=a%2B!=; B=b"],
    ]
    assert delivered.field(b"Set-Cookie") == [
        b"cpi.orders~A=a%2B!=; Path=/orders",
        b"cpi.orders~B=b; Path=/orders",
        b"cpi.orders~S=own",
    ]


async def test_a_fetch_that_hangs_holds_up_no_other_path(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A message to another path has its own fetch at once, whose unit serves both."""
    upstream.script = deque([REQUIRED, hang, REQUIRED, FETCHED, answer(200)])
    proxy = await serve(document(upstream, authority))
    first, second = await proxy.sender(), await proxy.sender()
    stuck = asyncio.create_task(first.ask(request(b"POST /orders/stuck", body=b"1")))
    await upstream.reach(2)
    assert (await second.ask(request(b"POST /orders/fine", body=b"2"))).status == 200
    assert (await stuck).status == 200
    assert Counter(bytes(each.body) for each in upstream.requests) == {b"": 2, b"1": 2, b"2": 2}


async def test_a_fetch_that_hangs_holds_up_its_own_path_for_a_moment(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """After `connect_timeout` it is given up, and the message that waited for it has a fetch of its own."""
    upstream.script = deque([REQUIRED, hang, REQUIRED, FETCHED, answer(200)])
    proxy = await serve(document(upstream, authority, timeout="10m"))
    first, second = await proxy.sender(), await proxy.sender()
    stuck = asyncio.create_task(first.ask(request(b"POST /orders", body=b"1")))
    await upstream.reach(2)
    waiting = asyncio.create_task(second.ask(request(b"POST /orders", body=b"2")))
    await upstream.reach(3)
    (pool,) = proxy.app.pools
    await until(lambda: any(each.head is not None and each.responded for each in pool._all if each.leased))
    await turns()
    proxy.clock.advance(11)
    assert ((await stuck).status, (await waiting).status) == (403, 200)
    assert [each.method for each in upstream.requests] == [b"POST", b"HEAD", b"POST", b"HEAD", b"POST"]
