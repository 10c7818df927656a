"""No sender takes more than it is granted, and each that tries is told which limit it met."""

import asyncio
from collections import deque
from typing import Any

import pytest

from proxy.server.request_parser import IN_HEAD
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import HOST, chunked, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.flow.running import Running, Serve, document, soon, turns, until


@pytest.fixture
async def limits() -> dict[str, Any]:
    """The limits of the configuration; to be overridden by `pytest.mark.parametrize`."""
    return {}


@pytest.fixture
async def proxy(serve: Serve, upstream: Upstream, authority: AuthorizationServer, limits: dict[str, Any]) -> Running:
    """A proxy with these limits."""
    return await serve(document(upstream, authority, max_body="2KiB", buffer="1KiB") | {"limits": limits})


@pytest.mark.parametrize("limits", [{"max_head": "1KiB", "max_fields": 5}])
@pytest.mark.parametrize(
    ("octets", "status", "code"),
    [
        (request(b"GET /orders", b"X: " + b"x" * 1024), 431, "head_too_large"),
        (request(b"GET /orders", *[b"X: x"] * 5), 431, "head_too_large"),
        (request(b"GET /orders/" + b"x" * 1024), 414, "target_too_long"),
        (b"GET /orders/" + b"x" * 1024, 414, "target_too_long"),
        (request(b"GET /orders")[:-2] + b"X: " + b"x" * 1024, 431, "head_too_large"),
    ],
)
async def test_a_head_has_a_size(proxy: Running, upstream: Upstream, octets: bytes, status: int, code: str) -> None:
    """`max_head` and `max_fields`; the connection ends."""
    sender = await proxy.sender()
    refused = await sender.ask(octets)
    assert (refused.status, refused.code, refused.field(b"Connection")) == (status, code, [b"close"])
    assert (await sender.rest(), upstream.requests) == (b"", [])


@pytest.mark.parametrize("limits", [{"max_head": "1KiB", "max_fields": 4}])
async def test_what_keeps_within_the_limits_passes(proxy: Running) -> None:
    """A head of exactly so many octets and fields."""
    octets = request(b"GET /orders", b"A: a", b"B: b", b"C: ")
    octets = octets.replace(b"C: ", b"C: " + b"c" * (1024 - len(octets)))
    assert len(octets) == 1024
    assert (await (await proxy.sender()).ask(octets)).status == 200


async def test_an_announced_body_that_is_too_large_is_refused_at_once(proxy: Running, upstream: Upstream) -> None:
    """No token is asked for, and no connection made."""
    sender = await proxy.sender()
    refused = await sender.ask(request(b"POST /orders", b"Content-Length: 2049"))
    assert (refused.status, refused.code, upstream.connections) == (413, "body_too_large", 0)
    assert await sender.rest() == b""


async def test_a_body_of_exactly_max_body_passes(proxy: Running, upstream: Upstream) -> None:
    """With its length, and in chunks."""
    sender = await proxy.sender()
    assert (await sender.ask(request(b"POST /orders", body=b"x" * 2048))).status == 200
    octets = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(b"x" * 2047, b"x")
    assert (await sender.ask(octets)).status == 200
    assert [len(each.body) for each in upstream.requests] == [2048, 2048]


async def test_a_chunked_body_that_grows_too_large_cuts_the_upstream(proxy: Running, upstream: Upstream) -> None:
    """What has streamed already never looks whole there."""
    cut = asyncio.Event()

    async def read_all(call: Call) -> None:
        try:
            await call.body()
        except (ConnectionError, asyncio.IncompleteReadError):
            cut.set()
            raise

    upstream.script = deque([read_all, answer()])
    sender = await proxy.sender()
    octets = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(b"x" * 1500, b"x" * 1500)
    await sender.send(octets[:1700])
    await upstream.reach(1)
    await sender.send(octets[1700:-5])
    refused = await sender.answer()
    assert (refused.status, refused.code, await sender.rest()) == (413, "body_too_large", b"")
    await soon(cut.wait())


async def test_a_slow_head_is_a_408(proxy: Running) -> None:
    """`head_timeout` holds for the whole head, however steadily it trickles."""
    sender = await proxy.sender()
    for octet in request(b"GET /orders")[:15]:
        await sender.send(bytes([octet]))
        await until(lambda: any(each._parser.phase is IN_HEAD for each in proxy.app.senders))
        proxy.clock.advance(0.9)
    proxy.clock.advance(2)
    refused = await sender.answer()
    assert (refused.status, refused.code, await sender.rest()) == (408, "request_timeout", b"")


async def test_a_body_that_stands_still_is_a_408(proxy: Running, upstream: Upstream) -> None:
    """`body_timeout` holds for each gap, not for the whole."""
    sender = await proxy.sender()
    octets = request(b"POST /orders", body=b"0123456789")
    await sender.send(octets[:-10])
    await until(lambda: any(each.busy for each in proxy.app.senders))
    (connection,) = proxy.app.senders
    for at in range(3):
        proxy.clock.advance(50)
        await sender.send(octets[at - 10 : at - 9])
        await until(lambda: connection.deadline > proxy.clock.monotonic() + 59)
    proxy.clock.advance(61)
    refused = await sender.answer()
    assert (refused.status, refused.code, await sender.rest()) == (408, "request_timeout", b"")
    assert upstream.requests == []


async def test_an_idle_connection_is_closed_without_a_word(proxy: Running) -> None:
    """A new silent one, and one that had its answer."""
    new, used = await proxy.sender(), await proxy.sender()
    await used.ask(request(b"GET /orders"))
    await until(lambda: len(proxy.app.senders) == 2)
    proxy.clock.advance(76)
    assert (await new.rest(), await used.rest()) == (b"", b"")


async def test_an_exchange_is_not_idle(proxy: Running, upstream: Upstream) -> None:
    """A flow may take ten minutes for its answer."""
    done = asyncio.Event()

    async def take_time(call: Call) -> None:
        await call.body()
        await soon(done.wait())
        await answer(200)(call)

    upstream.script = deque([take_time])
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"x"))
    await upstream.reach(1)
    proxy.clock.advance(500)
    done.set()
    assert (await sender.answer()).status == 200


@pytest.mark.parametrize("limits", [{"max_connections": 2}, {"max_connections_per_sender": 2}])
async def test_one_connection_too_many_is_a_503(proxy: Running) -> None:
    """It is told before it asks, and a place that becomes free is given away."""
    first, second = await proxy.sender(), await proxy.sender()
    assert (await first.ask(request(b"GET /orders"))).status == 200
    assert (await second.ask(request(b"GET /orders"))).status == 200
    third = await proxy.sender()
    refused = await third.answer()
    assert (refused.status, refused.code) == (503, "overloaded")
    assert refused.field(b"Retry-After") == [b"1"]
    assert refused.field(b"Proxy-Status") == [b'here; error=connection_limit_reached; details="overloaded"']
    third.leave()
    first.leave()
    await until(lambda: len(proxy.app.senders) == 1)
    assert (await (await proxy.sender()).ask(request(b"GET /orders"))).status == 200


async def test_octets_that_are_no_http_are_refused_at_once(proxy: Running) -> None:
    """A sender that speaks TLS to a plain port is told so."""
    refused = await (await proxy.sender()).ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert (refused.status, refused.code) == (400, "request_malformed")
    assert "TLS" in refused.problem["detail"]


async def test_a_refused_sender_may_go_on_sending_for_a_while(proxy: Running) -> None:
    """So that a reset does not take the answer away from it; after two seconds it is cut off."""
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", b"Content-Length: 999999") + b"x" * 1000)
    refused = await sender.answer()
    for _ in range(10):
        await sender.send(b"x" * 1000)
        await turns(5)
    assert refused.status == 413
    assert len(proxy.app.senders) == 1
    proxy.clock.advance(3)
    await until(lambda: len(proxy.app.senders) == 0)


async def test_the_line_of_a_refusal_is_in_the_log(proxy: Running) -> None:
    """What never became a request has its account too."""
    await (await proxy.sender()).ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n bad: x\r\n\r\n")
    record = await proxy.record()
    assert (record["status"], record["made_by"], record["code"]) == (400, "proxy", "request_malformed")
