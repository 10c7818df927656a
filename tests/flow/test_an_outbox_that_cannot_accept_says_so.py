"""There is no success without a message on the disk: full, unavailable and abandoned messages are told apart."""

import asyncio

from tests.cases import cases
from tests.fakes.loop import HandLoop
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, deferred, delivered, died, kept, posted, settled, store_of
from tests.flow.running import Orders, until


@cases("limits", {"max_messages": 2}, {"max_bytes": 100})
async def test_a_full_outbox_refuses_until_there_is_room(
    outbox: Orders, upstream: Upstream, limits: dict[str, int]
) -> None:
    """By number or by bytes."""
    held = Held()
    upstream.script.extendleft([held, held])
    proxy = await outbox(**limits)
    sender = await proxy.sender()
    for _ in range(2):
        await accepted(sender)
    await upstream.reach(2)
    refused = await sender.ask(posted())
    assert refused.refusal == (503, "outbox_full")
    assert len(refused.field(b"Retry-After")) == 1
    held.go.set()
    await delivered(proxy, 2)
    await accepted(sender)
    await delivered(proxy, 3)


async def test_dead_letters_count_towards_the_limit(outbox: Orders, upstream: Upstream) -> None:
    """Until a person has decided."""
    upstream.script.appendleft(answer(400))
    proxy = await outbox(max_messages=1)
    sender = await proxy.sender()
    dead = await accepted(sender)
    await died(proxy)
    assert (await sender.ask(posted())).code == "outbox_full"
    await store_of(proxy).discard(dead)
    await accepted(sender)
    await delivered(proxy)


async def test_a_closed_store_accepts_nothing(outbox: Orders, upstream: Upstream, clock: HandLoop) -> None:
    """The log has one line for the outage."""
    proxy = await outbox()
    store = store_of(proxy)
    await settled(proxy)
    await store.close()
    sender = await proxy.sender()
    for _ in range(2):
        refused = await sender.ask(posted())
        assert refused.refusal == (503, "outbox_unavailable")
        assert len(refused.field(b"Retry-After")) == 1
    for _ in range(3):
        proxy.app._resources.outboxes._changed("orders")
        await until(lambda: proxy.lines.named("store.unreachable"))
        clock.advance(1)
    assert (await proxy.ask_admin("/readyz"))[0] == 200
    assert "cpi_proxy_outbox_messages{" not in (await proxy.ask_admin("/metrics"))[1]
    assert len(proxy.lines.named("store.unreachable")) == 1
    assert upstream.requests == []


async def test_a_body_that_does_not_end_is_not_kept(outbox: Orders) -> None:
    """Its sender left in the middle of it."""
    proxy = await outbox()
    leaving = await proxy.begin(posted(b"x" * 100)[:-10])
    await asyncio.sleep(0)
    leaving.leave()
    line = await proxy.record()
    assert (line["status"], line["code"]) == (400, "request_malformed")
    assert "message_id" not in line
    assert await kept(proxy) == []


@cases("method", b"POST", b"PUT", b"PATCH", b"DELETE")
@cases("behind", b"<order/>", b"")
async def test_a_last_request_without_a_length_is_no_message(
    outbox: Orders, upstream: Upstream, method: bytes, behind: bytes
) -> None:
    """A body may follow; only DELETE has usually none."""
    proxy = await outbox()
    told = await proxy.ask(request(method + b" /orders", b"Connection: close") + behind)
    if method == b"DELETE" and not behind:
        assert told.status == 202
        await delivered(proxy)
        return
    assert told.refusal == (411, "length_required")
    await settled(proxy)
    assert (await kept(proxy), upstream.requests) == ([], [])


async def test_an_empty_body_with_its_length_is_a_message(outbox: Orders, upstream: Upstream) -> None:
    """Some flows need no more."""
    proxy = await outbox()
    await accepted(proxy, request(b"POST /orders", b"Connection: close", body=b""))
    await delivered(proxy)
    assert upstream.requests[0].field(b"Content-Length") == [b"0"]


@cases("framed", {"length": False, "chunks": True})
async def test_a_body_of_any_size_is_kept_whole(outbox: Orders, upstream: Upstream, framed: bool) -> None:
    """Each attempt sends it from its beginning."""
    upstream.script.appendleft(answer(401))
    proxy = await outbox(route={"buffer": "1KiB"}, retries=["1s"])
    content = bytes(range(256)) * 10_000
    octets = posted(content)
    if framed:
        head = request(b"POST /orders", b"Content-Type: application/xml", b"Transfer-Encoding: chunked")
        octets = head + chunked(content[:300_000], content[300_000:])
    await accepted(proxy, octets)
    await deferred(proxy)
    proxy.clock.advance(1)
    await delivered(proxy)
    assert [bytes(each.body) == content for each in upstream.requests] == [True, True]
    assert upstream.requests[0].field(b"Content-Length") == [b"%d" % len(content)]


async def test_a_message_that_has_passed_before_is_refused(outbox: Orders) -> None:
    """It would feed its own outbox."""
    proxy = await outbox()
    told = await proxy.ask(posted(b"<a/>", b"Via: 1.1 here"))
    assert told.refusal == (508, "loop")


async def test_rate_and_concurrency_count_for_acceptance(outbox: Orders, upstream: Upstream) -> None:
    """A slot is free after acceptance."""
    upstream.script.appendleft(held := Held())
    route = {"max_concurrency": 1, "rate": {"per_sender": "2/h"}}
    proxy = await outbox(route=route)
    sender = await proxy.sender()
    for _ in range(2):
        await accepted(sender)
    told = await sender.ask(posted())
    assert told.refusal == (429, "rate_exceeded")
    held.go.set()
    await delivered(proxy, 2)


@cases("reason", "too large", "no store")
async def test_a_refusal_that_is_certain_comes_before_the_body(outbox: Orders, reason: str) -> None:
    """The sender is not asked for it."""
    proxy = await outbox(max_bytes=100)
    outboxes = proxy.app._resources.outboxes
    deliverer = outboxes._deliverer
    if reason == "no store":
        outboxes._deliverer = None
    length = b"Content-Length: %d" % (101 if reason == "too large" else 10)
    refused = await proxy.ask(request(b"POST /orders", b"Expect: 100-continue", length))
    expected = (413, "body_too_large") if reason == "too large" else (503, "outbox_unavailable")
    assert (refused.status, refused.code) == expected
    outboxes._deliverer = deliverer
