"""A sender without TLS gets nothing at a TLS port; the log has a warning only if the port wants certificates."""

import contextlib
from typing import Any

import pytest

from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Orders, Running, until

CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303")
"How one begins."


@pytest.fixture
def listener() -> dict[str, Any]:
    """Options of the listener."""
    return {}


@pytest.fixture
def limits() -> dict[str, Any]:
    """The limits of the configuration."""
    return {}


@pytest.fixture
async def proxy(orders: Orders, issuer: Authority, listener: dict[str, Any], limits: dict[str, Any]) -> Running:
    """A proxy that listens with TLS."""
    listen = {"address": "127.0.0.1:0", "tls": issuer.listener(), **listener}
    return await orders({"listen": listen, "limits": limits})


async def test_plain_http(proxy: Running, upstream: Upstream) -> None:
    """One line at debug says what it was."""
    sender = await proxy.begin(request(b"POST /orders", body=b"cAnAryMessage"))
    assert b"HTTP" not in await sender.rest()
    (line,) = await proxy.lines.reach("handshake.failed")
    assert (line["level"], line["sender"], line["reason"]) == ("debug", "127.0.0.1", "http request")
    await until(lambda: not proxy.app.senders)
    assert (len(proxy.lines.text), upstream.requests) == (1, [])


async def test_a_listener_that_wants_certificates_warns_ten_times_a_second(orders: Orders, issuer: Authority) -> None:
    """The others are counted in one line."""
    tls = issuer.listener() | {"client_ca_file": issuer.ca_file()}
    proxy = await orders({"listen": {"address": "127.0.0.1:0", "tls": tls}})
    for _ in range(12):
        await (await proxy.sender()).send(POST)
    lines = await proxy.lines.reach("handshake.failed", 12)
    assert [line["level"] for line in lines] == ["warning"] * 10 + ["debug"] * 2
    proxy.clock.advance(2)
    (repeated,) = await proxy.lines.reach("refusals.repeated")
    assert (repeated["code"], repeated["count"]) == ("handshake_failed", 2)
    await (await proxy.sender()).send(POST)
    assert (await proxy.lines.reach("handshake.failed", 13))[-1]["level"] == "warning"


@cases("begun", b"", CLIENT_HELLO)
@cases("reset", True, False)
async def test_a_sender_that_hangs_up(proxy: Running, begun: bytes, *, reset: bool) -> None:
    """As the health checks of load balancers do."""
    sender = await proxy.begin(begun)
    await until(lambda: len(proxy.app.senders) == 1)
    if reset:
        sender.reset()
    else:
        sender.leave()
    (line,) = await proxy.lines.reach("handshake.failed")
    assert line["level"] == "debug"
    await until(lambda: not proxy.app.senders)
    assert len(proxy.lines.text) == 1


@cases("begun", b"", CLIENT_HELLO)
async def test_a_handshake_that_stands_still_ends(proxy: Running, begun: bytes) -> None:
    """After `limits.idle_timeout`."""
    sender = await proxy.begin(begun)
    await until(lambda: len(proxy.app.senders) == 1)
    proxy.clock.advance(74)
    assert [each.deadline - proxy.clock.time() for each in proxy.app.senders] == [1]
    proxy.clock.advance(2)
    with contextlib.suppress(ConnectionResetError):  # where what the sender had begun was not read
        assert await sender.rest() == b""
    await until(lambda: not proxy.app.senders)
    assert proxy.lines.text == []


@cases("limits", {"max_connections": 1}, {"max_connections_per_sender": 1})
async def test_a_connection_counts_from_its_first_moment(proxy: Running, issuer: Authority) -> None:
    """The log says why."""
    shaking = await proxy.sender()
    await until(lambda: len(proxy.app.senders) == 1)
    with pytest.raises(ConnectionError):
        await proxy.sender(tls=issuer.trusting())
    record = await proxy.record()
    assert (record["status"], record["code"], record["made_by"]) == (503, "overloaded", "proxy")
    shaking.leave()
    await until(lambda: not proxy.app.senders)
    assert (await (await proxy.sender(tls=issuer.trusting())).ask(request(b"GET /orders"))).status == 200


@pytest.mark.parametrize("listener", [{"allow": ["192.0.2.0/24"]}])
async def test_a_sender_that_is_not_allowed_gets_no_handshake(proxy: Running, issuer: Authority) -> None:
    """The log says why."""
    with pytest.raises(ConnectionError):
        await proxy.sender(tls=issuer.trusting())
    assert (await proxy.record())["code"] == "sender_not_allowed"
    await until(lambda: not proxy.app.senders)
    assert not proxy.lines.named("handshake.failed")
