"""No sender takes more than it is granted, and each that tries is told which limit it met."""

from typing import Any

import pytest

from tests.cases import cases
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Upstream
from tests.flow.running import Orders, Running, until


@pytest.fixture
async def limits() -> dict[str, Any]:
    """The limits of the configuration."""
    return {}


@pytest.fixture
async def proxy(orders: Orders, limits: dict[str, Any]) -> Running:
    """A proxy with these limits."""
    return await orders({"limits": limits}, max_body="2KiB", buffer="1KiB")


@pytest.mark.parametrize("limits", [{"max_head": "1KiB", "max_fields": 4}])
async def test_what_keeps_within_the_limits_passes(proxy: Running) -> None:
    """A head of exactly so many octets and fields."""
    octets = request(b"GET /orders", b"A: a", b"B: b", b"C: ")
    octets = octets.replace(b"C: ", b"C: " + b"c" * (1024 - len(octets)))
    assert len(octets) == 1024
    assert (await proxy.ask(octets)).status == 200


async def test_a_body_of_exactly_max_body_passes(proxy: Running, upstream: Upstream) -> None:
    """With its length, and in chunks."""
    sender = await proxy.sender()
    assert (await sender.ask(request(b"POST /orders", body=b"x" * 2048))).status == 200
    octets = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(b"x" * 2047, b"x")
    assert (await sender.ask(octets)).status == 200
    assert [len(each.body) for each in upstream.requests] == [2048, 2048]


@cases("limits", {"max_connections": 2}, {"max_connections_per_sender": 2})
async def test_one_connection_too_many_is_a_503(proxy: Running) -> None:
    """A place that becomes free is given away."""
    first, second = await proxy.sender(), await proxy.sender()
    assert (await first.ask(request(b"GET /orders"))).status == 200
    assert (await second.ask(request(b"GET /orders"))).status == 200
    third = await proxy.sender()
    refused = await third.answer()
    assert refused.refusal == (503, "overloaded")
    assert refused.field(b"Retry-After") == [b"1"]
    assert refused.field(b"Proxy-Status") == [b'here; error=connection_limit_reached; details="overloaded"']
    third.leave()
    first.leave()
    await until(lambda: len(proxy.app.senders) == 1)
    assert (await proxy.ask(request(b"GET /orders"))).status == 200
