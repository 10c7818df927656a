"""A fault of the proxy while it delivers: the message is settled, and what may have arrived is not sent again."""

from collections.abc import Callable
from types import ModuleType

import pytest

from proxy.outbox import delivery, running_delivery
from proxy.outbox.message import MessageState
from proxy.outbox.store import RouteHeld
from tests.cases import cases
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Upstream, answer
from tests.flow.outbox import accepted, deferred, delivered, details, died, kept, posted, settled, store_of
from tests.flow.running import Orders, Running
from tests.flow.test_a_store_that_fails_loses_nothing import failing

Break = Callable[..., None]


@pytest.fixture
def break_(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Lets the next calls of a function fail."""

    def broken(module: ModuleType, name: str, times: int = 1) -> None:
        if not str(module.__file__).endswith(".py"):
            pytest.skip("functions of a compiled module cannot be replaced")
        real, left = getattr(module, name), [None] * times

        def call(*given: object, **named: object) -> object:
            if left:
                left.pop()
                raise RuntimeError("shows cAnAryText")
            return real(*given, **named)

        monkeypatch.setattr(module, name, call)

    return broken


def deliveries(metrics: str, outcome: str) -> int:
    """How many ended so."""
    name = f'cpi_proxy_outbox_deliveries_total{{outcome="{outcome}",route="orders"}} '
    return next((int(float(line.removeprefix(name))) for line in metrics.splitlines() if line.startswith(name)), 0)


def told(proxy: Running, id_: str, count: int = 1) -> None:
    """The log asks to report each fault."""
    lines = proxy.lines.named("delivery.crashed")
    assert {(line["id"], line["error"]) for line in lines} == {(id_, "RuntimeError")}
    assert len(lines) == count
    assert "cAnAryText" not in str(lines)


@cases("repeatable", False, True)
async def test_before_anything_was_sent_it_is_delivered_again(
    outbox: Orders, upstream: Upstream, clock: HandLoop, break_: Break, *, repeatable: bool
) -> None:
    """The attempt is counted."""
    proxy = await outbox(repeatable=repeatable)
    break_(running_delivery, "deliver", 2)
    id_ = await accepted(proxy)
    for attempts in (1, 2):
        line = (await deferred(proxy, attempts))[-1]
        assert (line["code"], line["attempts"], line["status"]) == ("crashed", attempts, 0)
        assert "please report it" in line["diagnosis"]
        clock.advance(10 * attempts)
    (line,) = await delivered(proxy)
    assert (line["attempts"], len(upstream.requests)) == (3, 1)
    told(proxy, id_, 2)
    _, metrics = await proxy.ask_admin("/metrics")
    assert [deliveries(metrics, each) for each in ("deferred", "delivered", "died")] == [2, 1, 0]


@cases("repeatable, event", (False, "died"), (True, "deferred"))
async def test_what_may_have_arrived_is_not_sent_again(
    outbox: Orders, upstream: Upstream, clock: HandLoop, break_: Break, *, repeatable: bool, event: str
) -> None:
    """Unless it may be repeated."""
    proxy = await outbox(repeatable=repeatable)
    break_(delivery, "answered")
    id_ = await accepted(proxy)
    (line,) = await proxy.lines.reach(f"message.{event}")
    assert (line["code"], line["attempts"]) == ("crashed" if repeatable else "uncertain", 1)
    assert [each.code for each in (await details(proxy, id_)).history] == ["crashed"]
    clock.advance(1000)
    await settled(proxy)
    if repeatable:
        await delivered(proxy)
    assert len(upstream.requests) == (2 if repeatable else 1)
    told(proxy, id_)


async def test_a_fault_in_the_decision_is_settled_too(outbox: Orders, break_: Break) -> None:
    """The next message is delivered."""
    proxy = await outbox(concurrency=1)
    break_(running_delivery, "decide")
    id_ = await accepted(proxy)
    (line,) = await died(proxy)
    assert (line["id"], line["code"]) == (id_, "uncertain")
    told(proxy, id_)
    await accepted(proxy)
    await delivered(proxy)


async def test_a_fault_after_the_end_was_stored_changes_nothing(
    outbox: Orders, upstream: Upstream, break_: Break
) -> None:
    """Only its line in the log is missing."""
    proxy = await outbox(concurrency=1)
    break_(running_delivery, "tell")
    id_ = await accepted(proxy)
    await proxy.lines.reach("delivery.crashed")
    await accepted(proxy)
    await delivered(proxy)
    assert (await kept(proxy), len(upstream.requests)) == ([], 2)
    told(proxy, id_)


async def test_a_fault_of_a_probe_leaves_the_next_one_free(outbox: Orders, clock: HandLoop, break_: Break) -> None:
    """Its upstream is not lost."""
    async with Upstream() as upstream:
        port = upstream.port
    proxy = await outbox(upstream=f"http://127.0.0.1:{port}")
    await accepted(proxy)
    await deferred(proxy)
    await settled(proxy)
    break_(running_delivery, "pause_after")
    clock.advance(10)
    await proxy.lines.reach("delivery.crashed")
    await settled(proxy)
    async with Upstream(port=port):
        await accepted(proxy)
        clock.advance(60)
        await delivered(proxy, 2)


@cases("method", "delivered", "deferred", "died")
async def test_a_fault_while_settling_is_followed_by_another_try(
    outbox: Orders, upstream: Upstream, clock: HandLoop, method: str
) -> None:
    """Others are delivered meanwhile."""
    status = {"delivered": 200, "deferred": 503, "died": 400}[method]
    upstream.script.appendleft(answer(status))
    proxy = await outbox(concurrency=1, retries=["1h"])
    store = failing(proxy)
    store.fail(method, RuntimeError("shows cAnAryText"))
    id_ = await accepted(proxy)
    await proxy.lines.reach("delivery.crashed")
    others = [await accepted(proxy) for _ in range(2)]
    await delivered(proxy, 2)
    found = {each.id: each.state for each in await kept(proxy)}
    assert found == {id_: MessageState.DELIVERING}
    store.fail(method, RuntimeError("shows cAnAryText"))
    clock.advance(3600)
    await proxy.lines.reach("delivery.crashed", 2)
    clock.advance(3600)
    await proxy.lines.reach(f"message.{method}", 3 if method == "delivered" else 1)
    assert [line["id"] for line in proxy.lines.named(f"message.{method}")][-1] == id_
    assert len(upstream.requests) == 1 + len(others)
    told(proxy, id_, 2)


@cases("is_held", False, True)
async def test_an_attempt_that_cannot_be_counted_is_put_off_all_the_same(
    outbox: Orders, upstream: Upstream, clock: HandLoop, *, is_held: bool
) -> None:
    """Counting fails, or the route is held by now."""
    proxy = await outbox()
    store = failing(proxy)
    second = RouteHeld() if is_held else RuntimeError("shows cAnAryText")
    store.fail("begin", RuntimeError("shows cAnAryText"), second)
    id_ = await accepted(proxy, posted())
    (line,) = await deferred(proxy)
    assert (line["code"], line["attempts"]) == ("crashed", 0)
    told(proxy, id_, 1 if is_held else 2)
    clock.advance(10)
    await delivered(proxy)
    assert len(upstream.requests) == 1
    assert await store_of(proxy).routes() == []
