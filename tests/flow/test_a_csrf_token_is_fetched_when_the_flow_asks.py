"""For a sender that knows nothing of CSRF the proxy does the handshake: after a 403 that requires it, never before."""

import asyncio

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer, hang
from tests.flow.running import POST, Orders, Running, turns, until

ORDER = b'{"productIdentifier":"HT-1080"}'
REQUIRED = answer(403, b"X-CSRF-Token: required", b"Set-Cookie: JSESSIONID=useless")
FETCHED = answer(200, b"X-CSRF-Token: NONCE", b"Set-Cookie: A=a%2B!=; Path=/http; Secure", b"Set-Cookie: B=b; Path=/")


def trail(tenant: Tenant) -> list[tuple[str, int | None]]:
    """What reached the tenant, and how it answered."""
    return [(message.method, message.status) for message in tenant.messages]


async def test_a_post_is_delivered_after_one_handshake(proxy: Running, tenant: Tenant) -> None:
    """The sender sees the last answer only."""
    delivered = await proxy.ask(request(b"POST /http/orders", body=ORDER))
    assert delivered.status == 200
    assert b"Photo Scan" in delivered.body
    assert (delivered.field(b"Set-Cookie"), delivered.field(b"X-CSRF-Token")) == ([], [])
    assert trail(tenant) == [("POST", 403), ("HEAD", 200), ("POST", 200)]
    assert tenant.runs() == {"/orders": 1}
    record = await proxy.record()
    assert (record["replays"], record["attempts"], record["token"]) == ("fetch_csrf", 2, "granted")


async def test_twenty_parallel_posts_share_one_handshake(proxy: Running, tenant: Tenant) -> None:
    """And none of them fails."""
    senders = [await proxy.sender() for _ in range(20)]
    answers = await asyncio.gather(*(each.ask(request(b"POST /http/orders", body=ORDER)) for each in senders))
    assert [each.status for each in answers] == [200] * 20
    assert [message.method for message in tenant.messages].count("HEAD") == 1
    assert tenant.runs() == {"/orders": 20}


async def test_a_lost_session_is_replaced(proxy: Running, tenant: Tenant) -> None:
    """The tenant forgets sessions."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /http/orders", body=ORDER))
    tenant.sessions.clear()
    assert (await sender.ask(request(b"POST /http/orders", body=ORDER))).status == 200
    assert trail(tenant)[3:] == [("POST", 403), ("HEAD", 200), ("POST", 200)]


async def test_a_new_access_token_means_a_new_session(plain: Running, upstream: Upstream) -> None:
    """A unit belongs to the token that it was fetched with."""
    upstream.follow(REQUIRED, FETCHED, answer(200), REQUIRED, FETCHED, answer(200))
    await plain.ask(POST)
    plain.clock.advance(3601)
    await plain.ask(POST)
    assert [each.method for each in upstream.requests] == [b"POST", b"HEAD", b"POST"] * 2
    assert upstream.requests[3].field(b"X-CSRF-Token") == []
    assert {each.field(b"Authorization")[0] for each in upstream.requests[3:]} == {b"Bearer token-2"}


async def test_a_second_403_is_relayed(plain: Running, upstream: Upstream) -> None:
    """One handshake for one exchange."""
    upstream.follow(REQUIRED, FETCHED, REQUIRED)
    refused = await plain.ask(POST)
    assert (refused.status, len(upstream.requests)) == (403, 3)


async def test_token_and_session_may_be_renewed_in_one_exchange(plain: Running, upstream: Upstream) -> None:
    """Each second chance exists once."""
    upstream.follow(answer(200), answer(401), REQUIRED, FETCHED, answer(200, body=b"at last"))
    sender = await plain.sender()
    await sender.ask(POST)
    plain.clock.advance(60)
    delivered = await sender.ask(request(b"POST /orders", body=b"the order"))
    assert (delivered.status, delivered.body) == (200, b"at last")
    assert bytes(upstream.requests[-1].body) == b"the order"
    assert (await plain.accounts(2))[-1]["replays"] == "renew_token,fetch_csrf"


async def test_a_fetch_that_hangs_holds_up_its_own_path_for_a_moment(orders: Orders, upstream: Upstream) -> None:
    """`connect_timeout` ends it, and the next one fetches."""
    upstream.follow(REQUIRED, hang, REQUIRED, FETCHED, answer(200))
    proxy = await orders(timeout="10m")
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
