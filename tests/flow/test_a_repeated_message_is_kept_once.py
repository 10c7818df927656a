"""With `message_id` a sender may repeat a message until it has an answer, and it is delivered once."""

from pathlib import Path
from typing import Any

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, deferred, delivered, kept, outbox_document, posted
from tests.flow.running import Orders, Serve

BY_ID: dict[str, Any] = {"message_id": {"field": "X-Message-Id", "remember": "1h"}, "id_field": "SapMessageIdEx"}
ID = b"X-Message-Id: order-1"


async def test_a_repetition_gets_the_answer_of_the_first(outbox: Orders, upstream: Upstream, clock: HandLoop) -> None:
    """To the byte; some fields may differ."""
    upstream.script.appendleft(held := Held())
    proxy = await outbox(**BY_ID)
    sender = await proxy.sender()
    first = await sender.ask(posted(b"<a/>", ID))
    await upstream.reach(1)
    clock.advance(60)
    second = await sender.ask(posted(b"<a/>", ID, b"X-Other: yes"))
    held.go.set()
    await delivered(proxy)
    third = await sender.ask(posted(b"<a/>", b"x-message-id:  order-1 "))
    assert first.body == second.body == third.body
    assert first.field(b"Outbox-Id") == third.field(b"Outbox-Id")
    await proxy.accounts(3)
    assert [line["message_id"] for line in proxy.lines.named("exchange.finished")] == 3 * [
        first.field(b"Outbox-Id")[0].decode()
    ]
    assert (len(upstream.requests), await kept(proxy)) == (1, [])


async def test_an_id_is_forgotten_when_its_time_is_over(outbox: Orders, clock: HandLoop) -> None:
    """Then the same message is a new one."""
    proxy = await outbox(**BY_ID)
    first = await accepted(proxy, posted(b"<a/>", ID))
    await delivered(proxy)
    clock.leap(3601)
    assert await accepted(proxy, posted(b"<a/>", ID)) != first
    await delivered(proxy, 2)


@cases(
    "other",
    {
        "body": posted(b"<b/>", ID),
        "method": posted(b"<a/>", ID, start=b"PUT /orders"),
        "path": posted(b"<a/>", ID, start=b"POST /orders/1"),
        "query": posted(b"<a/>", ID, start=b"POST /orders?a=b"),
        "content type": request(b"POST /orders", b"Content-Type: text/xml", ID, body=b"<a/>"),
    },
)
async def test_another_message_with_the_same_id_is_refused(outbox: Orders, upstream: Upstream, other: bytes) -> None:
    """It is not the one that was accepted."""
    proxy = await outbox(**BY_ID)
    await accepted(proxy, posted(b"<a/>", ID))
    told = await proxy.ask(other)
    assert told.refusal == (422, "message_id_reused")
    await delivered(proxy)
    assert len(upstream.requests) == 1


async def test_a_large_body_is_compared_as_a_whole(outbox: Orders, upstream: Upstream) -> None:
    """However it was framed."""
    route = {"buffer": "1KiB"}
    proxy = await outbox(route=route, **BY_ID)
    body = bytes(range(256)) * 3000
    first = await accepted(proxy, posted(body, ID))
    framed = request(b"POST /orders", b"Content-Type: application/xml", ID, b"Transfer-Encoding: chunked")
    assert await accepted(proxy, framed + chunked(body[:1000], body[1000:])) == first
    told = await proxy.ask(posted(body[:-1] + b"x", ID))
    assert told.code == "message_id_reused"
    await delivered(proxy)
    assert [bytes(each.body) for each in upstream.requests] == [body]


@cases("fields", {"missing": (), "empty": (b"X-Message-Id:",), "several": (b"X-Message-Id: a", b"X-Message-Id: b")})
async def test_a_message_without_one_id_is_accepted_under_ours(
    outbox: Orders, upstream: Upstream, fields: tuple[bytes, ...]
) -> None:
    """The flow gets our id."""
    proxy = await outbox(**BY_ID)
    sender = await proxy.sender()
    ids = [await accepted(sender, posted(b"<a/>", *fields)) for _ in range(2)]
    await delivered(proxy, 2)
    told = [value.decode() for each in upstream.requests for value in each.field(b"SapMessageIdEx")]
    assert sorted(told) == sorted(ids)


async def test_the_flow_gets_the_sender_s_id_in_each_attempt(
    outbox: Orders, upstream: Upstream, clock: HandLoop
) -> None:
    """The sender's field is replaced."""
    upstream.script.appendleft(answer(503))
    proxy = await outbox(**BY_ID)
    await accepted(proxy, posted(b"<a/>", ID, b"sapmessageidex: other"))
    await deferred(proxy)
    clock.advance(10)
    await delivered(proxy)
    assert [each.field(b"SapMessageIdEx") for each in upstream.requests] == [[b"order-1"], [b"order-1"]]


async def test_ids_belong_to_a_route(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Two routes may have the same."""
    document = outbox_document(upstream, authority, tmp_path, **BY_ID)
    document["routes"].append(document["routes"][0] | {"path": "/others"})
    proxy = await serve(document)
    sender = await proxy.sender()
    first = await accepted(sender, posted(b"<a/>", ID))
    assert await accepted(sender, posted(b"<b/>", ID, start=b"POST /others")) != first
    await delivered(proxy, 2)
