"""Once an octet of it was written, a POST is sent again only after an answer that says it was not taken."""

from collections import deque

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Line, Upstream, answer, hang_up, head, reset
from tests.flow.running import Running, Serve, document, until

IDEMPOTENT = [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"]
LARGE = b"0123456789abcdef" * 8192


@pytest.mark.parametrize("ending", [hang_up, reset])
@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"MERGE"])
async def test_a_connection_lost_after_the_request_is_a_502(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, method: bytes, ending: Line
) -> None:
    """The message may have arrived; only the sender knows whether it may be repeated."""
    upstream.script = deque([ending, answer()])
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(request(method + b" /orders", body=b"x"))
    assert (refused.status, refused.code) == (502, "upstream_closed")
    assert refused.field(b"Proxy-Status") == [b'here; error=connection_terminated; details="upstream_closed"']
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("ending", [hang_up, reset])
@pytest.mark.parametrize("method", IDEMPOTENT)
async def test_an_idempotent_request_is_tried_once_more(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, method: bytes, ending: Line
) -> None:
    """RFC 9110 §9.2.2 allows it."""
    upstream.script = deque([ending, answer()])
    proxy = await serve(document(upstream, authority))
    relayed = await (await proxy.sender()).ask(request(method + b" /orders", body=b"x"))
    assert relayed.status == 200
    assert [(each.method, bytes(each.body), each.connection) for each in upstream.requests] == [
        (method, b"x", 1),
        (method, b"x", 2),
    ]


async def test_it_is_tried_no_third_time(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Each second chance exists once."""
    upstream.script = deque([hang_up])
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(request(b"GET /orders"))
    assert (refused.code, len(upstream.requests)) == ("upstream_closed", 2)


async def test_a_body_that_streamed_is_not_tried_once_more(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Not even with PUT."""
    upstream.script = deque([hang_up, answer()])
    proxy = await serve(document(upstream, authority, buffer="1KiB"))
    refused = await (await proxy.sender()).ask(request(b"PUT /orders", body=LARGE))
    assert (refused.code, len(upstream.requests)) == ("upstream_closed", 1)


async def test_a_connection_that_was_closed_while_idle_is_not_used(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The POST goes over another one."""

    async def answer_and_close(call: Call) -> None:
        await call.body()
        await call.send(head(200, b"Content-Length: 0"))
        call.close()

    upstream.script = deque([answer_and_close, answer()])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    for _ in range(2):
        assert (await sender.ask(request(b"POST /orders", body=b"x"))).status == 200
    assert [each.connection for each in upstream.requests] == [1, 2]


async def test_the_tenant_may_close_idle_connections_at_any_time(proxy: Running, tenant: Tenant) -> None:
    """Twenty of them, and not one of the next twenty messages fails or comes twice."""
    senders = [await proxy.sender() for _ in range(20)]
    for number in range(3):
        for each in senders:
            assert (await each.ask(request(b"POST /http/invoices", body=b"%d" % number))).status == 200
        tenant.close_idle()
    assert tenant.runs() == {"/invoices": 60}


async def test_a_connection_is_used_again(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """For whichever sender comes next."""
    proxy = await serve(document(upstream, authority))
    for _ in range(3):
        await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert [each.connection for each in upstream.requests] == [1, 1, 1]


async def test_an_idle_connection_is_closed_before_the_tenant_does(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """After 30 s; Cloud Integration closes at 60."""
    proxy = await serve(document(upstream, authority))
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    (pool,) = proxy.app.pools
    assert pool.idle == 1
    proxy.clock.advance(31)
    await until(lambda: pool.idle == 0)
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert [each.connection for each in upstream.requests] == [1, 2]


async def test_an_answer_that_nobody_asked_for_is_never_the_next_ones(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """What follows an answer ends the connection."""

    async def answer_twice(call: Call) -> None:
        await call.body()
        await call.send(head(200, b"Content-Length: 3") + b"one" + head(200, b"Content-Length: 7") + b"planted")
        await call.ended()

    upstream.script = deque([answer_twice, answer(body=b"two")])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    bodies = [(await sender.ask(request(b"POST /orders", body=b"x"))).body for _ in range(2)]
    assert bodies == [b"one", b"two"]
