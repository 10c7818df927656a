"""A route with an outbox answers at once, and delivers by itself."""

import json

from proxy.outbox.dispatcher import SOON
from tests.cases import cases
from tests.fakes.loop import HandLoop
from tests.fakes.sender import request
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, delivered, id_of, kept, posted, settled, store_of, summary
from tests.flow.running import Orders


async def test_the_answer_comes_before_the_delivery(outbox: Orders, upstream: Upstream) -> None:
    """With id, state and times."""
    upstream.script.appendleft(held := Held())
    proxy = await outbox()
    told = await proxy.ask(posted())
    assert (told.status, told.field(b"Content-Type")) == (202, [b"application/json"])
    assert json.loads(told.body) == {
        "id": id_of(told),
        "status": "queued",
        "accepted_at": "2027-01-15T08:00:00Z",
        "expires_at": "2027-01-18T08:00:00Z",
    }
    await upstream.reach(1)
    held.go.set()
    (line,) = await delivered(proxy)
    assert (
        line.items()
        >= {
            "level": "info",
            "route": "orders",
            "status": 200,
            "attempts": 1,
            "id": id_of(told),
            "mpl_id": "",
        }.items()
    )
    assert await kept(proxy) == []


@cases("method", b"POST", b"PUT", b"PATCH", b"DELETE")
async def test_method_target_fields_and_body_arrive_as_they_came(
    outbox: Orders, upstream: Upstream, method: bytes
) -> None:
    """But for credentials."""
    proxy = await outbox()
    fields = (b"X-Own: a", b"Authorization: Basic c2VjcmV0", b"Cookie: a=b", b"X-CSRF-Token: abc", b"x-own: b")
    await accepted(proxy, posted(b"<a/>", *fields, start=method + b" /orders/x%2Fy?q=1&q=2"))
    await delivered(proxy)
    (arrived,) = upstream.requests
    assert (arrived.method, arrived.target, bytes(arrived.body)) == (method, b"/http/orders/x%2Fy?q=1&q=2", b"<a/>")
    assert sorted(arrived.lines) == sorted(
        [
            b"Host: 127.0.0.1:%d" % upstream.port,
            b"Content-Type: application/xml",
            b"X-Own: a",
            b"x-own: b",
            b"Via: 1.1 here",
            b"Authorization: Bearer token-1",
            b"Content-Length: 4",
        ]
    )


@cases("method", b"GET", b"HEAD", b"OPTIONS")
async def test_other_methods_are_forwarded_while_the_sender_waits(
    outbox: Orders, upstream: Upstream, method: bytes
) -> None:
    """As without an outbox."""
    upstream.script.appendleft(answer(203, b"X-From: upstream"))
    proxy = await outbox()
    told = await proxy.ask(request(method + b" /orders"))
    assert (told.status, told.field(b"X-From"), told.field(b"Outbox-Id")) == (203, [b"upstream"], [])
    assert await summary(proxy) is None


@cases("status, length", (200, [b"0"]), (204, []))
async def test_the_answer_can_be_without_content(outbox: Orders, status: int, length: list[bytes]) -> None:
    """The connection stays open."""
    proxy = await outbox(answer=status)
    sender = await proxy.sender()
    for _ in range(2):
        told = await sender.ask(posted())
        assert (told.status, told.body, told.field(b"Content-Length")) == (status, b"", length)
        assert len(told.field(b"Outbox-Id")) == 1
        assert told.field(b"Content-Type") == []
    await delivered(proxy, 2)


async def test_the_line_of_the_exchange_says_who_answered(outbox: Orders) -> None:
    """Nothing of the upstream is in it."""
    proxy = await outbox()
    told = await proxy.ask(posted())
    line = await proxy.record()
    assert (line["made_by"], line["message_id"], line["status"]) == ("outbox", id_of(told), 202)
    assert (line["level"], line["bytes_in"], line["bytes_out"], line["attempts"]) == ("info", 8, len(told.body), 0)
    assert "upstream" not in line
    await delivered(proxy)


async def test_a_message_that_nobody_kept_is_not_answered_with_success(outbox: Orders, upstream: Upstream) -> None:
    """Fences and limits count as ever."""
    route = {"content_types": ["application/xml"], "max_body": "1KiB", "buffer": 10}
    proxy = await outbox(route=route, max_bytes=600)
    sender = await proxy.sender()
    wrong = await sender.ask(request(b"POST /orders", b"Content-Type: text/plain", body=b"x"))
    assert wrong.refusal == (415, "content_type_not_allowed")
    for size in (1025, 700):
        sender = await proxy.sender()
        large = await sender.ask(posted(b"x" * size))
        assert large.refusal == (413, "body_too_large")
    assert await summary(proxy) is None
    assert upstream.requests == []


async def test_what_was_taken_ahead_does_not_wait_for_a_slow_upstream(
    outbox: Orders, upstream: Upstream, clock: HandLoop
) -> None:
    """It goes back to where people can decide about it."""
    held = Held()
    upstream.script.clear()
    upstream.script.extend([answer(200), held, held, answer(200)])
    proxy = await outbox(concurrency=2)
    await store_of(proxy).hold("orders")
    sender = await proxy.sender()
    ids = [await accepted(sender) for _ in range(6)]
    await store_of(proxy).resume("orders")
    await upstream.reach(3)
    await settled(proxy)
    clock.advance(SOON)
    await settled(proxy)
    numbers = await summary(proxy)
    assert numbers is not None
    assert (numbers.delivering, numbers.waiting) == (2, 3)
    await store_of(proxy).discard(ids[-1])
    held.go.set()
    await delivered(proxy, 5)
    assert (len(upstream.requests), await kept(proxy)) == (5, [])
