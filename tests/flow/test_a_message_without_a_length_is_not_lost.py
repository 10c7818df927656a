"""A request that says in no way how long it is, and has a body, is refused: without it, its delivery is no success."""

import asyncio

from tests.cases import cases
from tests.fakes.authorization_server import granted
from tests.fakes.upstream import Call, Held, Upstream, answer
from tests.flow.running import Running, Serve, document, soon, turns, until

METHODS = [b"POST", b"PUT", b"PATCH"]
LAST = b" /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@cases("behind", b"the order", b"")
@cases("fields", b"", b"Connection: keep-alive\r\n")
@cases("method", *METHODS)
async def test_in_http_1_0_it_is_a_400(
    plain: Running, upstream: Upstream, method: bytes, fields: bytes, behind: bytes
) -> None:
    """Though it is empty (RFC 1945 §8.3)."""
    refused = await plain.ask(method + b" /orders HTTP/1.0\r\n" + fields + b"\r\n" + behind)
    assert (refused.status, refused.code, upstream.requests) == (400, "request_malformed", [])
    assert "Content-Length" in refused.problem["detail"]


@cases("method", *METHODS, b"DELETE", b"GET", b"MERGE")
async def test_in_http_1_1_it_is_a_411(plain: Running, upstream: Upstream, method: bytes) -> None:
    """If it means to close."""
    sender = await plain.sender()
    refused = await sender.ask(method + LAST + b"the order")
    assert (refused.status, refused.code, upstream.requests) == (411, "length_required", [])
    assert (refused.field(b"Connection"), await sender.rest()) == ([b"close"], b"")


@cases("method", *METHODS, b"GET")
@cases("behind", b"", b"\r\n")
async def test_an_empty_one_is_delivered(plain: Running, upstream: Upstream, method: bytes, behind: bytes) -> None:
    """It has no body (RFC 9112 §6.3)."""
    relayed = await plain.ask(method + LAST + behind)
    assert (relayed.status, upstream.bodies) == (200, [b""])


async def test_a_body_that_comes_later_is_a_411_too(plain: Running, upstream: Upstream) -> None:
    """The upstream's 200 would hide the loss."""
    upstream.follow(held := Held())
    sender = await plain.begin(b"POST" + LAST)
    await upstream.reach(1)
    await sender.send(b"the order")
    await until(lambda: any(each._parser.held for each in plain.app.senders))
    held.go.set()
    refused = await sender.answer()
    assert refused.refusal == (411, "length_required")
    assert "delivered without" in refused.problem["detail"]
    record = await plain.record()
    assert (record["status"], record["code"], record["attempts"]) == (411, "length_required", 1)
    await turns()
    assert all(not each.leased for pool in plain.app.pools for each in pool._all)


async def test_a_body_that_comes_before_the_token_is_not_left_behind(serve: Serve, upstream: Upstream) -> None:
    """Nothing is sent."""
    go = asyncio.Event()

    async def grant(call: Call) -> None:
        await soon(go.wait())
        await answer(200, b"Content-Type: application/json", body=granted().body)(call)

    async with Upstream(grant) as endpoint:
        proxy = await serve(document(upstream, f"{endpoint.url}/token"))
        sender = await proxy.begin(b"POST" + LAST)
        await endpoint.reach(1)
        await sender.send(b"the order")
        await until(lambda: any(each._parser.held for each in proxy.app.senders))
        go.set()
        refused = await sender.answer()
    assert (refused.status, refused.code, upstream.requests) == (411, "length_required", [])
