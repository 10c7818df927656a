"""After a 401 for our token there is one new grant and one replay with the same body; then whatever comes."""

import asyncio
import gzip
import hashlib
from collections import deque
from typing import Any

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer, Fault, granted
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Line, Upstream, answer, head
from tests.flow.running import Running, Serve, document, turns, until

MESSAGE = bytes(range(256)) * 2000


async def test_a_void_token_is_renewed_and_the_message_sent_again(proxy: Running, tenant: Tenant) -> None:
    """The sender sees the second answer only, and the body arrives intact."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /http/invoices", body=b"first"))
    proxy.clock.advance(60)
    tenant.tokens.revoke_all()
    relayed = await sender.ask(request(b"POST /http/invoices", body=MESSAGE))
    assert (relayed.status, relayed.body) == (200, MESSAGE)
    assert [message.status for message in tenant.messages] == [200, 401, 200]
    assert tenant.messages[-1].body_sha256 == hashlib.sha256(MESSAGE).hexdigest()
    assert tenant.runs() == {"/invoices": 2}
    record = (await proxy.accounts(2))[-1]
    assert (record["attempts"], record["token"], record["replays"]) == (2, "renewed", "renew_token")


async def test_twenty_refused_messages_cost_one_grant(proxy: Running, tenant: Tenant) -> None:
    """Only the token that failed is forgotten, not the one that took its place."""
    senders = [await proxy.sender() for _ in range(20)]
    await senders[0].ask(request(b"POST /http/invoices", body=b"first"))
    proxy.clock.advance(60)
    tenant.tokens.revoke_all()
    answers = await asyncio.gather(*(each.ask(request(b"POST /http/invoices", body=b"next")) for each in senders))
    assert [each.status for each in answers] == [200] * 20
    assert tenant.grants.count(tenant.neo_client.client_id) == 2
    assert tenant.runs() == {"/invoices": 21}


async def test_the_second_401_is_relayed(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """A flow that answers 401 itself, and does not say that it ran, costs one replay and no loop."""
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


@pytest.mark.parametrize("status", [400, 403, 404, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", [b"POST", b"GET"])
async def test_other_failures_of_the_upstream_are_never_tried_again(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, method: bytes, status: int
) -> None:
    """With a token that has been good and is old enough to be renewed: 500 does not mean that nothing was processed."""
    upstream.script = deque([answer(200), answer(status, body=b"why")])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", body=b"first"))
    proxy.clock.advance(60)
    relayed = await sender.ask(request(method + b" /orders", body=b"x"))
    assert (relayed.status, relayed.body) == (status, b"why")
    assert [bytes(each.body) for each in upstream.requests] == [b"first", b"x"]
    assert len(authority.requests) == 1


MPL_ID = b"AGpyvUXKUZJ-xCKXdYXps-l8FDTq"
TEXT = b"An internal server error occured: no such order\n\nThe MPL ID for the failed message is : " + MPL_ID
IN_PIECES = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (TEXT[:99], TEXT[99:], b""))
PACKED = gzip.compress(TEXT)


async def old_token(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, *then: Line, **route: Any
) -> Running:
    """A proxy whose token has been good for a minute; `then` comes next."""
    upstream.script = deque([answer(200), *then])
    proxy = await serve(document(upstream, authority, client={"timeout": 1}, **route))
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"first"))
    proxy.clock.advance(60)
    return proxy


async def pieces(call: Call) -> None:
    """A flow's own 401, its text in two pieces."""
    await call.body()
    await call.send(head(401, b"Transfer-Encoding: chunked") + IN_PIECES[:110])
    await turns()
    await call.send(IN_PIECES[110:])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param(answer(401, b"SAP_MessageProcessingLogID: " + MPL_ID, body=b"no"), b"no", id="in a field"),
        pytest.param(answer(401, b"sap_messageprocessinglogid: " + MPL_ID), b"", id="in a field, in lower case"),
        pytest.param(answer(401, body=TEXT), TEXT, id="in the text"),
        pytest.param(pieces, TEXT, id="in the text, which comes in pieces"),
        pytest.param(answer(401, body=b" " * 30_000 + TEXT), b" " * 30_000 + TEXT, id="late in the text"),
        pytest.param(answer(401, b"Content-Encoding: gzip", body=PACKED), PACKED, id="in the text, packed"),
    ],
)
@pytest.mark.parametrize("method", [b"POST", b"GET"])
async def test_a_flows_own_401_is_relayed(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, method: bytes, line: Line, text: bytes
) -> None:
    """It has an MPL id, so the flow ran: sent again, it would run twice. The token is no worse for it."""
    proxy = await old_token(serve, upstream, authority, line, answer(200))
    relayed = await (await proxy.sender()).ask(request(method + b" /orders", body=b"x"))
    assert (relayed.status, relayed.body) == (401, text)
    assert [bytes(each.body) for each in upstream.requests] == [b"first", b"x"]
    assert len(authority.requests) == 1


@pytest.mark.parametrize("fields", [(), (b"X-CSRF-Token: Required",)])
async def test_a_flows_own_403_is_relayed(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, fields: tuple[bytes, ...]
) -> None:
    """As its own 401, whatever the route and the answer say."""
    proxy = await old_token(serve, upstream, authority, answer(403, *fields, body=TEXT), answer(200), retry_on_403=True)
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert (relayed.status, relayed.body) == (403, TEXT)
    assert ([bytes(each.body) for each in upstream.requests], len(authority.requests)) == ([b"first", b"x"], 1)


async def cut(call: Call) -> None:
    """A 401 that ends too early to tell whose it is."""
    await call.body()
    await call.send(head(401, b"Content-Length: 99") + b"An internal")
    call.close()


@pytest.mark.parametrize(
    ("line", "relayed"),
    [
        pytest.param(cut, None, id="cut"),
        pytest.param(answer(401, b"Content-Encoding: br", body=b"?"), b"?", id="in a coding that is not read"),
        pytest.param(answer(401, b"Content-Encoding: gzip", body=b"?"), b"?", id="in a coding that does not end"),
        pytest.param(
            answer(401, b"Content-Encoding: gzip", body=b"?" * 99), b"?" * 99, id="in a coding that it is not"
        ),
        pytest.param(answer(401, body=b"a" * 50_000), b"a" * 50_000, id="too long"),
    ],
)
async def test_where_nobody_knows_whose_401_it_is_the_message_is_not_sent_again(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, line: Line, relayed: bytes | None
) -> None:
    """It is relayed as it came, and the token is renewed for the next message."""
    proxy = await old_token(serve, upstream, authority, line, answer(200))
    asking = (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    if relayed is None:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asking
    else:
        assert ((received := await asking).status, received.body) == (401, relayed)
    await proxy.lines.reach("token.granted", 2)
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"next"))
    assert [bytes(each.body) for each in upstream.requests] == [b"first", b"x", b"next"]
    assert upstream.requests[-1].field(b"Authorization") == [b"Bearer token-2"]


async def test_a_refused_token_serves_others_while_the_token_endpoint_is_away(serve: Serve, upstream: Upstream) -> None:
    """Until a new one is there; the message that saw it refused is told why there is none."""
    async with AuthorizationServer(granted("token-1"), Fault.HANG) as authority:
        proxy = await old_token(serve, upstream, authority, answer(401), answer(200))
        one, other = await proxy.sender(), await proxy.sender()
        asking = asyncio.create_task(one.ask(request(b"POST /orders", body=b"refused")))
        await until(lambda: len(authority.requests) == 2)
        assert (await other.ask(request(b"POST /orders", body=b"during the grant"))).status == 200
        proxy.clock.advance(3)
        assert (await asking).status in (503, 504)
        await proxy.lines.reach("token.grant_failed")
        assert (await other.ask(request(b"POST /orders", body=b"in the pause"))).status == 200
    assert [bytes(each.body) for each in upstream.requests] == [
        b"first",
        b"refused",
        b"during the grant",
        b"in the pause",
    ]
    assert {each.field(b"Authorization")[0] for each in upstream.requests} == {b"Bearer token-1"}


async def test_a_401_to_a_streamed_message_renews_the_token_in_the_background(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The body is gone, so that the 401 is relayed; nobody has to ask for the grant."""
    proxy = await old_token(serve, upstream, authority, answer(401), buffer="1KiB")
    relayed = await (await proxy.sender()).ask(request(b"POST /orders", body=MESSAGE))
    assert relayed.status == 401
    await proxy.lines.reach("token.granted", 2)
    assert (len(upstream.requests), len(authority.requests)) == (2, 2)
