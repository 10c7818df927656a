"""What the upstream gets of a sender's credentials is nothing; it gets our token."""

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Serve, document


async def test_the_token_of_the_grant_goes_on(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """As the one Authorization field."""
    proxy = await serve(document(upstream, authority))
    answer = await (await proxy.sender()).ask(request(b"POST /orders", body=b"<order/>"))
    assert answer.status == 200
    assert upstream.requests[0].field(b"Authorization") == [b"Bearer token-1"]
    assert bytes(upstream.requests[0].body) == b"<order/>"


@pytest.mark.parametrize(
    "field",
    [
        b"Authorization: Basic c2VuZGVyOmhpZGRlbg==",
        b"AUTHORIZATION: Bearer hidden",
        b"Proxy-Authorization: Basic aGlkZGVu",
        b"MYSAPSSO2: hidden-logon-ticket",
        b"SAP-R3AUTH: hidden",
        b"Cookie: MYSAPSSO2=hidden; JSESSIONID=hidden",
        b"Cookie: cpi.other~JSESSIONID=hidden",
        b"Authorization_: hidden",
        b"Proxy_Authorization: hidden",
    ],
)
async def test_a_credential_of_the_sender_does_not_go_on(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, field: bytes
) -> None:
    """Neither its field nor its value is at the upstream."""
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders", field, body=b"x"))
    received = upstream.requests[0]
    assert received.field(b"Authorization") == [b"Bearer token-1"]
    assert field.split(b":")[1].strip() not in received.head
    assert b"hidden" not in received.head


async def test_two_authorization_fields_are_replaced_by_one(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """However often the sender repeats it."""
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"GET /orders", b"Authorization: a", b"authorization: b"))
    assert upstream.requests[0].field(b"Authorization") == [b"Bearer token-1"]


async def test_the_upstreams_challenge_stays_with_us(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A sender that has no token must not be asked for one."""
    upstream.script[0] = answer(401, b'WWW-Authenticate: Bearer realm="tenant"', b"X-Kept: yes")
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(b"GET /orders"))
    assert (relayed.status, relayed.field(b"WWW-Authenticate"), relayed.field(b"X-Kept")) == (401, [], [b"yes"])
