"""`max_concurrency` and `queue`: some are served, some wait in order, the others are told to come again."""

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.flow.running import Orders, Running, Serve, document, soon, turns, until


class Held:
    """An upstream's line that echoes when it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        """Take the request, wait, answer."""
        body = await call.body()
        await soon(self.go.wait())
        await answer(200, body=body)(call)


@pytest.fixture
def held(upstream: Upstream) -> Held:
    """The upstream's answers to all messages."""
    upstream.follow(line := Held())
    return line


@pytest.fixture
def settings() -> dict[str, Any]:
    """One at a time, and two that wait."""
    return {"max_concurrency": 1, "queue": 2}


@pytest.fixture
async def proxy(serve: Serve, upstream: Upstream, authority: AuthorizationServer, settings: dict[str, Any]) -> Running:
    """A proxy with such a route, and a second one without limits."""
    given = document(upstream, authority, **settings)
    given["routes"].append({**document(upstream, authority)["routes"][0], "path": "/others"})
    return await serve(given)


def waiting(proxy: Running) -> int:
    """How many wait."""
    return proxy.app.state().waiting["orders"]


async def send(proxy: Running, upstream: Upstream, *bodies: bytes) -> list[Sender]:
    """Send messages; the first is at the upstream."""
    senders = []
    for number, body in enumerate(bodies):
        sender = await proxy.begin(request(b"POST /orders", body=body))
        await upstream.reach(1)
        await until(lambda: waiting(proxy) == number)  # noqa: B023 - it is looked at within the turn of the loop
        senders.append(sender)
    return senders


def arrived(upstream: Upstream) -> list[bytes]:
    """The bodies that the upstream has got, in order."""
    return upstream.bodies


async def test_the_upstream_sees_one_at_a_time_in_the_order_of_arrival(
    proxy: Running, upstream: Upstream, held: Held
) -> None:
    """Each gets its own answer."""
    senders = await send(proxy, upstream, b"1", b"2", b"3")
    await turns()
    assert arrived(upstream) == [b"1"]
    held.go.set()
    assert [(await each.answer()).body for each in senders] == [b"1", b"2", b"3"]
    assert (arrived(upstream), upstream.connections) == ([b"1", b"2", b"3"], 1)


async def test_a_large_body_is_not_read_while_it_waits(proxy: Running, upstream: Upstream, held: Held) -> None:
    """It is passed on whole."""
    (first,) = await send(proxy, upstream, b"1")
    content = b"x" * (4 << 20)
    second = await proxy.sender()
    sending = asyncio.create_task(second.send(request(b"POST /orders", body=content)))
    await until(lambda: any(each._body is not None and each._body.paused for each in proxy.app.senders))
    await turns()
    (held_back,) = [each._body for each in proxy.app.senders if each._body is not None and not each._body.ended]
    assert held_back.received < 1 << 17
    held.go.set()
    assert (await first.answer()).status == 200
    await soon(sending)
    assert (await second.answer()).body == content


@pytest.mark.parametrize("settings", [{"max_concurrency": 1, "queue": 2, "buffer": "8MiB"}])
async def test_a_sender_that_leaves_within_a_large_body_gives_its_turn_away(
    proxy: Running, upstream: Upstream, held: Held
) -> None:
    """This is noticed when it is called."""
    (first,) = await send(proxy, upstream, b"1")
    second, third = await proxy.sender(), await proxy.sender()
    sending = asyncio.create_task(second.send(request(b"POST /orders", body=b"x" * (4 << 20))))
    await until(lambda: any(each._body is not None and each._body.paused for each in proxy.app.senders))
    second.leave()
    await asyncio.gather(sending, return_exceptions=True)
    await third.send(request(b"POST /orders", body=b"3"))
    await until(lambda: waiting(proxy) == 2)
    held.go.set()
    assert [(await each.answer()).body for each in (first, third)] == [b"1", b"3"]
    assert arrived(upstream) == [b"1", b"3"]


async def test_waiting_is_seen_in_the_metrics(proxy: Running, upstream: Upstream, held: Held) -> None:
    """Of the routes where somebody can wait."""
    senders = await send(proxy, upstream, b"1", b"2", b"3")
    _, text = await proxy.ask_admin("/metrics")
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert [(each.labels, each.value) for each in families["cpi_proxy_waiting"]] == [({"route": "orders"}, 2)]
    held.go.set()
    for each in senders:
        await each.answer()
    await until(lambda: waiting(proxy) == 0)


async def test_while_it_drains_those_that_wait_are_served(proxy: Running, upstream: Upstream, held: Held) -> None:
    """They have begun."""
    senders = await send(proxy, upstream, b"1", b"2", b"3")
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: proxy.app.draining)
    held.go.set()
    answers = [await each.answer() for each in senders]
    assert [(each.body, each.field(b"Connection")) for each in answers] == [
        (body, [b"close"]) for body in (b"1", b"2", b"3")
    ]
    await soon(stopping)


async def test_when_it_has_drained_those_that_still_wait_are_told(
    orders: Orders, upstream: Upstream, held: Held
) -> None:
    """Their messages were not sent."""
    proxy = await orders({"drain_timeout": 0}, max_concurrency=1, queue=2)
    senders = await send(proxy, upstream, b"1", b"2", b"3")
    await soon(proxy.app.stop())
    answers = [await each.answer() for each in senders]
    assert [each.refusal for each in answers] == [(503, "draining")] * 3
    assert ["nothing of it was sent" in each.problem["detail"] for each in answers] == [False, True, True]
    assert arrived(upstream) == [b"1"]
    assert not held.go.is_set()
