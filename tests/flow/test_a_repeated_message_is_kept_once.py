"""With `message_id` a sender may repeat a message until it has an answer, and it is delivered once."""

from pathlib import Path
from typing import Any

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.outbox import accepted, kept, outbox_document, posted
from tests.flow.running import Serve

BY_ID: dict[str, Any] = {"message_id": {"field": "X-Message-Id", "remember": "1h"}, "id_field": "SapMessageIdEx"}
ID = b"X-Message-Id: order-1"


async def test_a_repetition_gets_the_answer_of_the_first(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """Before its delivery and after it, to the byte; fields that are not compared may differ."""
    held = Held()
    upstream.script.appendleft(held)
    proxy = await serve(outbox_document(upstream, authority, tmp_path, **BY_ID))
    sender = await proxy.sender()
    first = await sender.ask(posted(b"<a/>", ID))
    await upstream.reach(1)
    clock.advance(60)
    second = await sender.ask(posted(b"<a/>", ID, b"X-Other: yes"))
    held.go.set()
    await proxy.lines.reach("message.delivered")
    third = await sender.ask(posted(b"<a/>", b"x-message-id:  order-1 "))
    assert first.body == second.body == third.body
    assert first.field(b"Outbox-Id") == third.field(b"Outbox-Id")
    await proxy.accounts(3)
    assert [line["message_id"] for line in proxy.lines.named("exchange.finished")] == 3 * [
        first.field(b"Outbox-Id")[0].decode()
    ]
    assert (len(upstream.requests), await kept(proxy)) == (1, [])


async def test_an_id_is_forgotten_when_its_time_is_over(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """Then the same message is a new one."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path, **BY_ID))
    first = await accepted(await proxy.sender(), posted(b"<a/>", ID))
    await proxy.lines.reach("message.delivered")
    clock.leap(3601)
    assert await accepted(await proxy.sender(), posted(b"<a/>", ID)) != first
    await proxy.lines.reach("message.delivered", 2)


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
async def test_another_message_with_the_same_id_is_refused(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, other: bytes
) -> None:
    """It is not the one that was accepted, so no success would be true of it."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path, **BY_ID))
    await accepted(await proxy.sender(), posted(b"<a/>", ID))
    told = await (await proxy.sender()).ask(other)
    assert (told.status, told.code) == (422, "message_id_reused")
    await proxy.lines.reach("message.delivered")
    assert len(upstream.requests) == 1


async def test_a_large_body_is_compared_as_a_whole(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """However it was framed, and whether it was in memory or in a file."""
    route = {"buffer": "1KiB"}
    proxy = await serve(outbox_document(upstream, authority, tmp_path, route=route, **BY_ID))
    body = bytes(range(256)) * 3000
    first = await accepted(await proxy.sender(), posted(body, ID))
    framed = request(b"POST /orders", b"Content-Type: application/xml", ID, b"Transfer-Encoding: chunked")
    assert await accepted(await proxy.sender(), framed + chunked(body[:1000], body[1000:])) == first
    told = await (await proxy.sender()).ask(posted(body[:-1] + b"x", ID))
    assert told.code == "message_id_reused"
    await proxy.lines.reach("message.delivered")
    assert [bytes(each.body) for each in upstream.requests] == [body]


@cases("fields", {"missing": (), "empty": (b"X-Message-Id:",), "several": (b"X-Message-Id: a", b"X-Message-Id: b")})
async def test_a_message_without_one_id_is_accepted_under_ours(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, fields: tuple[bytes, ...]
) -> None:
    """Each is a message of its own, and the flow gets our id."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path, **BY_ID))
    sender = await proxy.sender()
    ids = [await accepted(sender, posted(b"<a/>", *fields)) for _ in range(2)]
    await proxy.lines.reach("message.delivered", 2)
    told = [value.decode() for each in upstream.requests for value in each.field(b"SapMessageIdEx")]
    assert sorted(told) == sorted(ids)


async def test_the_flow_gets_the_sender_s_id_in_each_attempt(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """In place of what the sender wrote there."""
    upstream.script.appendleft(answer(503))
    proxy = await serve(outbox_document(upstream, authority, tmp_path, **BY_ID))
    await accepted(await proxy.sender(), posted(b"<a/>", ID, b"sapmessageidex: other"))
    await proxy.lines.reach("message.deferred")
    clock.advance(10)
    await proxy.lines.reach("message.delivered")
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
    await proxy.lines.reach("message.delivered", 2)
