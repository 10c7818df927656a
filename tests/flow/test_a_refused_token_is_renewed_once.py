"""After a 401 for our token there is one new grant and one replay with the same body; then whatever comes."""

import asyncio
import gzip
import hashlib
from typing import Any

import pytest

from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Line, Upstream, answer, head
from tests.flow.running import POST, Orders, Running, turns

MESSAGE = bytes(range(256)) * 2000


async def test_a_void_token_is_renewed_and_the_message_sent_again(proxy: Running, tenant: Tenant) -> None:
    """The sender sees the second answer only."""
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
    """Its successor is not forgotten."""
    senders = [await proxy.sender() for _ in range(20)]
    await senders[0].ask(request(b"POST /http/invoices", body=b"first"))
    proxy.clock.advance(60)
    tenant.tokens.revoke_all()
    answers = await asyncio.gather(*(each.ask(request(b"POST /http/invoices", body=b"next")) for each in senders))
    assert [each.status for each in answers] == [200] * 20
    assert tenant.grants.count(tenant.neo_client.client_id) == 2
    assert tenant.runs() == {"/invoices": 21}


MPL_ID = b"AGpyvUXKUZJ-xCKXdYXps-l8FDTq"
TEXT = b"An internal server error occured: no such order\n\nThe MPL ID for the failed message is : " + MPL_ID
IN_PIECES = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (TEXT[:99], TEXT[99:], b""))
PACKED = gzip.compress(TEXT)


async def old_token(orders: Orders, upstream: Upstream, *then: Line, **route: Any) -> Running:
    """A proxy whose token has been good for a minute."""
    upstream.follow(answer(200), *then)
    proxy = await orders(client={"timeout": 1}, **route)
    await proxy.ask(request(b"POST /orders", body=b"first"))
    proxy.clock.advance(60)
    return proxy


async def pieces(call: Call) -> None:
    """A flow's own 401, its text in two pieces."""
    await call.body()
    await call.send(head(401, b"Transfer-Encoding: chunked") + IN_PIECES[:110])
    await turns()
    await call.send(IN_PIECES[110:])


@cases(
    "line, text",
    {
        "in a field": (answer(401, b"SAP_MessageProcessingLogID: " + MPL_ID, body=b"no"), b"no"),
        "in the text, which comes in pieces": (pieces, TEXT),
        "in the text, packed": (answer(401, b"Content-Encoding: gzip", body=PACKED), PACKED),
    },
)
async def test_a_flows_own_401_is_relayed(
    orders: Orders, upstream: Upstream, authority: AuthorizationServer, line: Line, text: bytes
) -> None:
    """It would run twice."""
    proxy = await old_token(orders, upstream, line, answer(200))
    relayed = await proxy.ask(POST)
    assert (relayed.status, relayed.body) == (401, text)
    assert upstream.bodies == [b"first", b"x"]
    assert len(authority.requests) == 1


async def cut(call: Call) -> None:
    """A 401 that ends too early to tell whose it is."""
    await call.body()
    await call.send(head(401, b"Content-Length: 99") + b"An internal")
    call.close()


@cases(
    "line, relayed",
    {
        "cut": (cut, None),
        "in a coding that is not read": (answer(401, b"Content-Encoding: br", body=b"?"), b"?"),
        "too long": (answer(401, body=b"a" * 50_000), b"a" * 50_000),
    },
)
async def test_where_nobody_knows_whose_401_it_is_the_message_is_not_sent_again(
    orders: Orders, upstream: Upstream, line: Line, relayed: bytes | None
) -> None:
    """The token is renewed for the next message."""
    proxy = await old_token(orders, upstream, line, answer(200))
    asking = (await proxy.sender()).ask(POST)
    if relayed is None:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asking
    else:
        assert ((received := await asking).status, received.body) == (401, relayed)
    await proxy.lines.reach("token.granted", 2)
    await proxy.ask(request(b"POST /orders", body=b"next"))
    assert upstream.bodies == [b"first", b"x", b"next"]
    assert upstream.requests[-1].field(b"Authorization") == [b"Bearer token-2"]
