"""A fault of the proxy while it delivers: the message is settled, and what may have arrived is not sent again."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from proxy.outbox import delivery, running_delivery
from proxy.outbox.message import MessageState
from proxy.outbox.store import RouteHeld
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Upstream, answer
from tests.flow.outbox import accepted, details, kept, outbox_document, posted, settled, store_of
from tests.flow.running import Running, Serve
from tests.flow.test_a_store_that_fails_loses_nothing import failing

Break = Callable[..., None]


@pytest.fixture
def break_(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Lets the next calls of a function of a module raise a fault."""

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
    """The log asks to report each fault, without the text of its error."""
    lines = proxy.lines.named("delivery.crashed")
    assert {(line["id"], line["error"]) for line in lines} == {(id_, "RuntimeError")}
    assert len(lines) == count
    assert "cAnAryText" not in str(lines)


@cases("repeatable", False, True)
async def test_before_anything_was_sent_it_is_delivered_again(
    serve: Serve,
    upstream: Upstream,
    authority: AuthorizationServer,
    tmp_path: Path,
    clock: HandLoop,
    break_: Break,
    *,
    repeatable: bool,
) -> None:
    """The attempt is counted, so that one that always hits it does not come again and again."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path, repeatable=repeatable))
    break_(running_delivery, "deliver", 2)
    id_ = await accepted(await proxy.sender())
    for attempts in (1, 2):
        line = (await proxy.lines.reach("message.deferred", attempts))[-1]
        assert (line["code"], line["attempts"], line["status"]) == ("crashed", attempts, 0)
        assert "please report it" in line["diagnosis"]
        clock.advance(10 * attempts)
    (line,) = await proxy.lines.reach("message.delivered")
    assert (line["attempts"], len(upstream.requests)) == (3, 1)
    told(proxy, id_, 2)
    _, metrics = await proxy.ask_admin("/metrics")
    assert [deliveries(metrics, each) for each in ("deferred", "delivered", "died")] == [2, 1, 0]


@cases("repeatable, event", (False, "died"), (True, "deferred"))
async def test_what_may_have_arrived_is_not_sent_again(
    serve: Serve,
    upstream: Upstream,
    authority: AuthorizationServer,
    tmp_path: Path,
    clock: HandLoop,
    break_: Break,
    *,
    repeatable: bool,
    event: str,
) -> None:
    """Unless it may be repeated; the answer was there when the fault happened."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path, repeatable=repeatable))
    break_(delivery, "answered")
    id_ = await accepted(await proxy.sender())
    (line,) = await proxy.lines.reach(f"message.{event}")
    assert (line["code"], line["attempts"]) == ("crashed" if repeatable else "uncertain", 1)
    assert [each.code for each in (await details(proxy, id_)).history] == ["crashed"]
    clock.advance(1000)
    await settled(proxy)
    if repeatable:
        await proxy.lines.reach("message.delivered")
    assert len(upstream.requests) == (2 if repeatable else 1)
    told(proxy, id_)


async def test_a_fault_in_the_decision_is_settled_too(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, break_: Break
) -> None:
    """Nobody knows what the answer meant; the next message is delivered."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path, concurrency=1))
    break_(running_delivery, "decide")
    id_ = await accepted(await proxy.sender())
    (line,) = await proxy.lines.reach("message.died")
    assert (line["id"], line["code"]) == (id_, "uncertain")
    told(proxy, id_)
    await accepted(await proxy.sender())
    await proxy.lines.reach("message.delivered")


async def test_a_fault_after_the_end_was_stored_changes_nothing(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, break_: Break
) -> None:
    """The message is gone; only its line in the log is missing."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path, concurrency=1))
    break_(running_delivery, "tell")
    id_ = await accepted(await proxy.sender())
    await proxy.lines.reach("delivery.crashed")
    await accepted(await proxy.sender())
    await proxy.lines.reach("message.delivered")
    assert (await kept(proxy), len(upstream.requests)) == ([], 2)
    told(proxy, id_)


async def test_a_fault_of_a_probe_leaves_the_next_one_free(
    serve: Serve, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop, break_: Break
) -> None:
    """Else nothing would go to its upstream any more."""
    async with Upstream() as upstream:
        port = upstream.port
    proxy = await serve(outbox_document(f"http://127.0.0.1:{port}", authority, tmp_path))
    await accepted(await proxy.sender())
    await proxy.lines.reach("message.deferred")
    await settled(proxy)
    break_(running_delivery, "pause_after")
    clock.advance(10)
    await proxy.lines.reach("delivery.crashed")
    await settled(proxy)
    async with Upstream(port=port):
        await accepted(await proxy.sender())
        clock.advance(60)
        await proxy.lines.reach("message.delivered", 2)


@cases("method", "delivered", "deferred", "died")
async def test_a_fault_while_settling_is_followed_by_another_try(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop, method: str
) -> None:
    """What became of the message stays decided, so it is not sent again; others are delivered meanwhile."""
    status = {"delivered": 200, "deferred": 503, "died": 400}[method]
    upstream.script.appendleft(answer(status))
    proxy = await serve(outbox_document(upstream, authority, tmp_path, concurrency=1, retries=["1h"]))
    store = failing(proxy)
    store.fail(method, RuntimeError("shows cAnAryText"))
    id_ = await accepted(await proxy.sender())
    await proxy.lines.reach("delivery.crashed")
    others = [await accepted(await proxy.sender()) for _ in range(2)]
    await proxy.lines.reach("message.delivered", 2)
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


async def test_a_fault_while_settling_outlasts_a_stop(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """The next process finds that the message may have arrived."""
    document = outbox_document(upstream, authority, tmp_path) | {"drain_timeout": 0}
    proxy = await serve(document)
    failing(proxy).fail("delivered", *(RuntimeError() for _ in range(9)))
    id_ = await accepted(await proxy.sender())
    await proxy.lines.reach("delivery.crashed")
    await proxy.stop()
    second = await serve(document)
    (line,) = await second.lines.reach("message.died")
    assert (line["id"], line["code"], len(upstream.requests)) == (id_, "uncertain", 1)


@cases("is_held", False, True)
async def test_an_attempt_that_cannot_be_counted_is_put_off_all_the_same(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop, *, is_held: bool
) -> None:
    """The fault is in counting itself, or its route is held by now."""
    proxy = await serve(outbox_document(upstream, authority, tmp_path))
    store = failing(proxy)
    second = RouteHeld() if is_held else RuntimeError("shows cAnAryText")
    store.fail("begin", RuntimeError("shows cAnAryText"), second)
    id_ = await accepted(await proxy.sender(), posted())
    (line,) = await proxy.lines.reach("message.deferred")
    assert (line["code"], line["attempts"]) == ("crashed", 0)
    told(proxy, id_, 1 if is_held else 2)
    clock.advance(10)
    await proxy.lines.reach("message.delivered")
    assert len(upstream.requests) == 1
    assert await store_of(proxy).routes() == []
