"""A stop, a restart or a reload loses nothing, and what was accepted is delivered as it is configured then."""

import asyncio
from pathlib import Path

import pytest

from proxy.outbox.message import MessageState
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.sender import Sender
from tests.fakes.upstream import Held, Upstream, answer, hang
from tests.flow.outbox import accepted, deferred, delivered, details, kept, outbox_document, posted, settled, store_of
from tests.flow.running import Orders, Serve, soon, until


async def test_a_restart_delivers_what_waits(outbox: Orders, upstream: Upstream, clock: HandLoop) -> None:
    """With what had happened to it before."""
    upstream.script.appendleft(answer(503))
    first = await outbox()
    message_id = await accepted(first)
    await deferred(first)
    await first.stop()
    clock.leap(3600)
    second = await outbox()
    (line,) = await delivered(second)
    assert (line["id"], line["attempts"], line["age_seconds"]) == (message_id, 2, 3600)


@cases("repeatable", False, True)
async def test_what_an_earlier_process_had_begun_may_have_arrived(
    outbox: Orders, upstream: Upstream, clock: HandLoop, repeatable: bool
) -> None:
    """It goes again only if that does no harm."""
    first = await outbox(repeatable=repeatable)
    await store_of(first).hold("orders")
    message_id = await accepted(first)
    await store_of(first).begin(message_id, clock.wall())
    await store_of(first).resume("orders")
    event = "message.deferred" if repeatable else "message.died"
    (line,) = await first.lines.reach(event)
    assert (line["attempts"], line["code"]) == (1, "interrupted" if repeatable else "uncertain")
    assert upstream.requests == []
    assert [each.code for each in (await details(first, message_id)).history] == ["interrupted"]
    if repeatable:
        clock.advance(10)
        await delivered(first)


async def test_a_stop_waits_for_what_is_being_delivered(outbox: Orders, upstream: Upstream) -> None:
    """And begins nothing new."""
    upstream.script.appendleft(held := Held())
    first = await outbox(concurrency=1)
    await accepted(first, posted(b"1"))
    await accepted(first, posted(b"2"))
    await upstream.reach(1)
    stopping = asyncio.create_task(first.stop())
    await until(lambda: first.app.draining)
    held.go.set()
    await soon(stopping)
    assert (len(first.lines.named("message.delivered")), len(upstream.requests)) == (1, 1)
    second = await outbox(concurrency=1)
    await delivered(second)
    assert [bytes(each.body) for each in upstream.requests] == [b"1", b"2"]


@cases("repeatable", False, True)
async def test_a_delivery_that_a_stop_cuts_off_may_have_arrived(
    outbox: Orders, upstream: Upstream, repeatable: bool
) -> None:
    """After `drain_timeout`."""
    upstream.script.appendleft(hang)
    proxy = await outbox(also={"drain_timeout": 0}, repeatable=repeatable)
    await accepted(proxy)
    await upstream.reach(1)
    await until(lambda: upstream.requests[0].body)
    await proxy.stop()
    (line,) = proxy.lines.named("message.deferred" if repeatable else "message.died")
    assert (line["code"], line["attempts"]) == ("draining" if repeatable else "uncertain", 1)


async def test_a_reload_changes_how_waiting_messages_are_delivered(
    outbox: Orders, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """The options of the time of delivery count."""
    upstream.script.appendleft(answer(503))
    proxy = await outbox()
    message_id = await accepted(proxy, posted(b"<a/>", b"X-Drop: a", b"X-Set: b", b"X-Keep: c"))
    await deferred(proxy)
    async with Upstream() as other:
        route = {"drop_fields": ["x-drop"], "set_fields": {"X-Set": "ours"}}
        await proxy.reload(outbox_document(other, authority, tmp_path, route=route, id_field="X-Id"))
        clock.advance(10)
        await delivered(proxy)
        (arrived,) = other.requests
        assert {name: arrived.field(name) for name in (b"X-Drop", b"X-Set", b"X-Keep", b"X-Id")} == {
            b"X-Drop": [],
            b"X-Set": [b"ours"],
            b"X-Keep": [b"c"],
            b"X-Id": [message_id.encode()],
        }


async def test_an_outbox_can_be_taken_off_and_added(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """New messages are forwarded then."""
    upstream.script.appendleft(answer(503))
    with_outbox = outbox_document(upstream, authority, tmp_path)
    without = outbox_document(upstream, authority, tmp_path)
    del without["routes"][0]["outbox"], without["store"]
    proxy = await serve(without)
    await proxy.reload(with_outbox)
    await accepted(proxy, posted(b"kept"))
    await deferred(proxy)
    without["store"] = with_outbox["store"]
    await proxy.reload(without)
    assert (await proxy.ask(posted(b"direct"))).status == 200
    clock.advance(10)
    await delivered(proxy)
    assert [bytes(each.body) for each in upstream.requests] == [b"kept", b"direct", b"kept"]


async def test_messages_of_a_route_that_has_gone_are_kept_and_named(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """They are delivered when it is back."""
    upstream.script.appendleft(answer(503))
    document = outbox_document(upstream, authority, tmp_path)
    proxy = await serve(document)
    await accepted(proxy)
    await deferred(proxy)
    gone = outbox_document(upstream, authority, tmp_path, route={"name": "renamed"})
    await proxy.reload(gone)
    await proxy.reload(gone)
    (line,) = proxy.lines.named("outbox.stranded")
    assert (line["route"], line["waiting"], line["dead"]) == ("orders", 1, 0)
    clock.advance(60)
    await settled(proxy)
    assert [each.state for each in await kept(proxy)] == [MessageState.WAITING]
    status = (await proxy.ask_admin("/status"))[1]
    assert '"route": "renamed"' in status
    assert '"route": "orders"' in status
    await proxy.reload(document)
    await delivered(proxy)


async def test_another_folder_needs_a_restart(
    outbox: Orders, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Messages would be left behind."""
    proxy = await outbox()
    with pytest.raises(ValueError, match=r"store\.path"):
        await proxy.reload(outbox_document(upstream, authority, tmp_path / "other"))
    await accepted(proxy)
    await delivered(proxy)


async def test_a_held_route_accepts_and_does_not_deliver(outbox: Orders, upstream: Upstream) -> None:
    """Also after a restart, until it is resumed."""
    first = await outbox()
    await store_of(first).hold("orders")
    await accepted(first)
    await settled(first)
    await first.stop()
    second = await outbox()
    await settled(second)
    assert upstream.requests == []
    assert 'cpi_proxy_outbox_held{route="orders"} 1.0' in (await second.ask_admin("/metrics"))[1]
    await store_of(second).resume("orders")
    await delivered(second)
    assert isinstance(await second.sender(), Sender)
