"""While its store fails, an outbox neither loses a message nor sends one again; then it goes on by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from proxy.errors import OutboxUnavailable
from proxy.outbox.deliverer import STORE_PAUSE
from proxy.outbox.store import RouteHeld, TakenOver
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.failing_store import FailingStore
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Upstream, answer
from tests.flow.outbox import accepted, delivered, details, died, outbox_document, posted, store_of
from tests.flow.running import Orders, Running, until


def failing(proxy: Running) -> FailingStore:
    """Give the proxy a store that can fail."""
    store = FailingStore(store_of(proxy))
    deliverer = proxy.app._resources.outboxes._deliverer
    assert deliverer is not None
    deliverer.store = cast("Any", store)
    return store


async def until_again(clock: HandLoop, fact: Callable[[], object]) -> None:
    """Until it holds; the store's pauses pass."""

    def holds() -> bool:
        if STORE_PAUSE in clock.pauses:
            clock.advance(STORE_PAUSE)
        return bool(fact())

    await until(holds)


@cases("settle", "delivered", "deferred", "died")
async def test_what_happened_is_stored_as_soon_as_it_can_be(
    outbox: Orders, upstream: Upstream, clock: HandLoop, settle: str
) -> None:
    """The message is sent once; the outage is told once."""
    upstream.script.appendleft(answer({"delivered": 200, "deferred": 503, "died": 400}[settle]))
    proxy = await outbox(retries=["1h"])
    store = failing(proxy)
    for _ in range(3):
        store.fail(settle)
    await accepted(proxy)
    await until_again(clock, lambda: proxy.lines.named(f"message.{settle}"))
    assert (store.calls[settle], len(upstream.requests)) == (4, 1)
    assert [len(proxy.lines.named(event)) for event in ("store.unreachable", "store.reached")] == [1, 1]


@cases("method", "take", "next_due", "begin", "held")
async def test_a_delivery_that_cannot_begin_begins_later(
    outbox: Orders, upstream: Upstream, clock: HandLoop, method: str
) -> None:
    """No attempt is counted; `held` is a hold after the take."""
    proxy = await outbox()
    store = failing(proxy)
    if method == "held":
        store.fail("begin", RouteHeld())
    else:
        store.fail(method)
    await accepted(proxy)
    await until_again(clock, lambda: proxy.lines.named("message.delivered"))
    (line,) = proxy.lines.named("message.delivered")
    assert (line["attempts"], len(upstream.requests)) == (1, 1)


async def test_what_another_process_may_have_is_not_sent_once_more(
    outbox: Orders, upstream: Upstream, authority: AuthorizationServer, clock: HandLoop
) -> None:
    """Nor with a new token; it is delivered later."""
    proxy = await outbox()
    store = failing(proxy)
    upstream.script.extendleft([answer(401), answer(200)])
    await accepted(proxy)
    await delivered(proxy)
    clock.advance(60)
    store.fail("confirm", TakenOver())
    await accepted(proxy)
    await until_again(clock, lambda: len(proxy.lines.named("message.delivered")) == 2)
    assert proxy.lines.named("message.delivered")[1]["attempts"] == 2
    assert (store.calls["confirm"], len(upstream.requests), len(authority.requests)) == (1, 3, 2)


async def test_a_body_that_cannot_be_read_to_its_end_may_have_arrived(outbox: Orders, tmp_path: Path) -> None:
    """A part of it was sent."""
    proxy = await outbox()
    await store_of(proxy).hold("orders")
    message_id = await accepted(proxy, posted(b"x" * 600_000))
    (name,) = (tmp_path / "store" / "bodies").iterdir()
    name.write_bytes(b"x" * 300_000)
    await store_of(proxy).resume("orders")
    (line,) = await died(proxy)
    assert (line["code"], line["attempts"]) == ("uncertain", 1)
    assert [each.code for each in (await details(proxy, message_id)).history] == ["outbox_unavailable"]


async def test_a_fault_in_one_look_does_not_end_all_deliveries(outbox: Orders, clock: HandLoop) -> None:
    """The log asks to report it."""
    proxy = await outbox()
    failing(proxy).fail("take", RuntimeError())
    await accepted(proxy)
    (line,) = await proxy.lines.reach("dispatcher.crashed")
    assert (line["route"], line["error"]) == ("orders", "RuntimeError")
    await until_again(clock, lambda: proxy.lines.named("message.delivered"))


@cases(
    "fault, event", (OutboxUnavailable("The disk fails."), "store.unreachable"), (RuntimeError(), "delivery.crashed")
)
async def test_a_stop_does_not_wait_for_a_store_that_fails(
    outbox: Orders, upstream: Upstream, fault: Exception, event: str
) -> None:
    """The message may have arrived."""
    proxy = await outbox(also={"drain_timeout": 0})
    failing(proxy).fail("delivered", *[fault] * 1000)
    id_ = await accepted(proxy)
    await proxy.lines.reach(event)
    await proxy.stop()
    (line,) = await died(await outbox())
    assert (line["id"], line["code"], len(upstream.requests)) == (id_, "uncertain", 1)


async def test_a_reload_succeeds_while_the_store_fails(
    outbox: Orders, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Routes with an outbox deliver on."""
    proxy = await outbox()
    failing(proxy).fail("routes")
    await proxy.reload(outbox_document(upstream, authority, tmp_path, concurrency=1))
    await accepted(proxy)
    await delivered(proxy)
