"""Whoever reaches the port can be refused as often as they like; the log tells of it in a few lines a second."""

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.forwarding.spool import Spool
from proxy.observe.repeats import FIRST
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Orders, Running

MANY = 500


@pytest.fixture
async def proxy(orders: Orders) -> Running:
    """One that takes ten connections."""
    return await orders({"limits": {"max_connections": 10}})


async def told(proxy: Running, code: str) -> tuple[int, int]:
    """(lines of their own, how many were only counted)."""
    proxy.clock.advance(1.5)
    own = [line for line in proxy.lines.named("exchange.finished") if line.get("code") == code]
    others = await proxy.lines.reach("refusals.repeated")
    assert {line["code"] for line in others} == {code}
    return len(own), sum(line["count"] for line in others)


async def test_of_requests_that_find_no_route(proxy: Running) -> None:
    """Each is answered, and counted in the metrics."""
    sender = await proxy.begin(request(b"GET /nowhere") * MANY)
    assert [(await sender.answer()).status for _ in range(MANY)] == [404] * MANY
    assert await told(proxy, "route_unknown") == (FIRST, MANY - FIRST)
    families = text_string_to_metric_families((await proxy.ask_admin("/metrics"))[1])
    assert [each.value for family in families for each in family.samples if each.labels.get("status") == "404"] == [
        MANY
    ]


async def test_of_connections_too_many(proxy: Running) -> None:
    """What was admitted before has its line as ever."""
    admitted = [await proxy.sender() for _ in range(10)]
    for each in admitted:
        assert (await each.ask(request(b"GET /orders"))).status == 200
    refused = await asyncio.gather(*(proxy.sender() for _ in range(100)))
    assert {(await each.answer()).code for each in refused} == {"overloaded"}
    assert await told(proxy, "overloaded") == (FIRST, 100 - FIRST)


async def test_what_reached_its_route_has_its_line(proxy: Running, upstream: Upstream) -> None:
    """Delivered or refused, however many there are."""
    sender = await proxy.begin((POST + request(b"GET /nowhere")) * MANY)
    assert [(await sender.answer()).status for _ in range(2 * MANY)] == [200, 404] * MANY
    lines = await proxy.accounts(MANY + FIRST)
    assert len([line for line in lines if line["route"] == "orders"]) == MANY == len(upstream.requests)


async def test_what_is_left_is_told_when_it_stops(proxy: Running) -> None:
    """Within the second too."""
    sender = await proxy.begin(request(b"GET /nowhere") * (FIRST + 7))
    for _ in range(FIRST + 7):
        await sender.answer()
    await proxy.stop()
    assert [line["count"] for line in proxy.lines.named("refusals.repeated")] == [7]


async def test_of_faults_of_ours(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text may quote what was sent."""

    def fail(_: Any) -> None:
        raise RuntimeError("cAnArySecret" * 1_000)

    monkeypatch.setattr(Spool, "open", fail)
    proxy = await orders(buffer="1KiB", spool="1MiB")
    for count in range(1, FIRST + 6):
        await proxy.begin(request(b"POST /orders", body=b"x" * 2048))
        assert (await proxy.accounts(count))[-1]["code"] == "crashed"
    lines = proxy.lines.named("exchange.crashed")
    assert (len(lines), {(line["sender"], line["error"]) for line in lines}) == (FIRST, {("127.0.0.1", "RuntimeError")})
    assert " in fail < forwarding/body.py:" in lines[0]["where"]
    assert "cAnAry" not in str(proxy.lines.text)
    proxy.clock.advance(1.5)
    (others,) = await proxy.lines.reach("refusals.repeated")
    assert (others["code"], others["count"]) == ("exchange_crashed", 5)
