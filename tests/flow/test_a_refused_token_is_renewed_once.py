"""After a 401 for our token there is one new grant and one replay with the same body; then whatever comes."""

import asyncio
import hashlib
from collections import deque

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Running, Serve, document

MESSAGE = bytes(range(256)) * 2000


async def test_a_void_token_is_renewed_and_the_message_sent_again(proxy: Running, tenant: Tenant) -> None:
    """The sender sees the second answer only, and the body arrives intact."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /http/invoices", body=b"first"))
    proxy.clock.advance(60)
    tenant.ledger.expire_all()
    relayed = await sender.ask(request(b"POST /http/invoices", body=MESSAGE))
    assert (relayed.status, relayed.body) == (200, MESSAGE)
    assert [message.status for message in tenant.messages] == [200, 401, 200]
    assert tenant.messages[-1].body_sha256 == hashlib.sha256(MESSAGE).hexdigest()
    assert tenant.runs() == {"/invoices": 2}
    account = (await proxy.accounts(2))[-1]
    assert (account["attempts"], account["token"], account["replays"]) == (2, "renewed", "renew_token")


async def test_twenty_refused_messages_cost_one_grant(proxy: Running, tenant: Tenant) -> None:
    """Only the token that failed is forgotten, not the one that took its place."""
    senders = [await proxy.sender() for _ in range(20)]
    await senders[0].ask(request(b"POST /http/invoices", body=b"first"))
    proxy.clock.advance(60)
    tenant.ledger.expire_all()
    answers = await asyncio.gather(*(each.ask(request(b"POST /http/invoices", body=b"next")) for each in senders))
    assert [each.status for each in answers] == [200] * 20
    assert tenant.grants.count(tenant.neo_client.client_id) == 2
    assert tenant.runs() == {"/invoices": 21}


async def test_the_second_401_is_relayed(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """A flow that answers 401 itself costs one replay and no loop."""
    upstream.script = deque([answer(200), answer(401, body=b"the flow says no")])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", body=b"x"))
    proxy.clock.advance(60)
    relayed = await sender.ask(request(b"POST /orders", body=b"x"))
    assert (relayed.status, relayed.body) == (401, b"the flow says no")
    assert [each.field(b"Authorization") for each in upstream.requests] == [
        [b"Bearer token-1"],
        [b"Bearer token-1"],
        [b"Bearer token-2"],
    ]


async def test_a_young_tokens_401_is_relayed(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """A token that is refused within ten seconds was no good from the start; the next would not be better."""
    upstream.script[0] = answer(401)
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    for _ in range(3):
        relayed = await sender.ask(request(b"POST /orders", body=b"x"))
        assert relayed.status == 401
    assert (len(upstream.requests), len(authority.requests)) == (3, 1)


@pytest.mark.parametrize(("option", "statuses", "grants"), [(True, [200, 200], 2), (False, [200, 403], 1)])
async def test_a_403_counts_as_a_refused_token_where_the_route_says_so(
    serve: Serve,
    upstream: Upstream,
    authority: AuthorizationServer,
    *,
    option: bool,
    statuses: list[int],
    grants: int,
) -> None:
    """`retry_on_403`; else a missing role is what it says."""
    upstream.script = deque([answer(200), answer(403), answer(200)])
    proxy = await serve(document(upstream, authority, retry_on_403=option))
    sender = await proxy.sender()
    seen = []
    for _ in range(2):
        seen.append((await sender.ask(request(b"POST /orders", body=b"x"))).status)
        proxy.clock.advance(60)
    assert (seen, len(authority.requests)) == (statuses, grants)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503, 504])
async def test_other_failures_of_the_upstream_are_never_tried_again(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, status: int
) -> None:
    """500 does not mean that nothing was processed."""
    upstream.script[0] = answer(status, body=b"why")
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    proxy.clock.advance(60)
    relayed = await sender.ask(request(b"POST /orders", body=b"x"))
    assert (relayed.status, relayed.body, len(upstream.requests)) == (status, b"why", 1)
