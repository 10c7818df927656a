"""A listener with `tls` speaks TLS 1.2 or newer and nothing else; what goes through is the same as in clear."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from proxy.server.sender_transport import LINGER
from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.sender import Sender, chunked, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.flow.running import POST, Orders, Running, soon, until

LARGE = bytes(range(256)) * (16 << 10)
"4 MiB: more than sockets and buffers hold."


@pytest.fixture
def route() -> dict[str, Any]:
    """Options of the route."""
    return {}


@pytest.fixture
async def proxy(orders: Orders, issuer: Authority, route: dict[str, Any]) -> Running:
    """A proxy that listens twice: with TLS, and in clear."""
    listen = [{"address": "127.0.0.1:0", "tls": issuer.listener()}, "127.0.0.1:0"]
    return await orders({"listen": listen}, **route)


async def test_a_message_over_tls(proxy: Running, upstream: Upstream, issuer: Authority) -> None:
    """HTTP/1.1 is negotiated."""
    sender = await proxy.sender(tls=issuer.trusting())
    for body in (b"one", b"two"):
        upstream.follow(answer(200, body=b"got " + body))
        assert (await sender.ask(request(b"POST /orders", body=body))).body == b"got " + body
    assert (sender.tls.version(), sender.tls.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    assert upstream.bodies == [b"one", b"two"]
    assert "client_certificate" not in await proxy.record()


@pytest.mark.parametrize(
    ("version", "served"), [(ssl.TLSVersion.TLSv1_2, True), pytest.param(ssl.TLSVersion.TLSv1_1, False)]
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
async def test_versions_of_tls(proxy: Running, issuer: Authority, version: ssl.TLSVersion, *, served: bool) -> None:
    """1.2 or newer, whatever the sender would take."""
    tls = issuer.trusting()
    tls.minimum_version = tls.maximum_version = version
    tls.set_ciphers("DEFAULT:@SECLEVEL=0")
    if served:
        assert (await (await proxy.sender(tls=tls)).ask(request(b"GET /orders"))).status == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await proxy.sender(tls=tls)


@cases("route", {"buffer": 0}, {"buffer": "8MiB"})
async def test_large_bodies_go_both_ways(proxy: Running, upstream: Upstream, issuer: Authority) -> None:
    """Streamed or buffered, with length or in chunks."""
    upstream.follow(answer(200, body=LARGE), answer(200, body=LARGE[::-1]))
    sender = await proxy.sender(tls=issuer.trusting())
    assert (await sender.ask(request(b"POST /orders", body=LARGE))).body == LARGE
    octets = request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(LARGE[:-1], LARGE[-1:])
    assert (await sender.ask(octets)).body == LARGE[::-1]
    assert [bytes(each.body) == LARGE for each in upstream.requests] == [True, True]


@pytest.mark.parametrize("route", [{"forwarded": "x-forwarded"}])
async def test_the_upstream_is_told_how_the_sender_came(proxy: Running, upstream: Upstream, issuer: Authority) -> None:
    """Https on the one listener, http on the other."""
    await (await proxy.sender(tls=issuer.trusting())).ask(request(b"GET /orders"))
    await (await proxy.sender(proxy.app.listeners[1].port)).ask(request(b"GET /orders"))
    assert [each.field(b"X-Forwarded-Proto") for each in upstream.requests] == [[b"https"], [b"http"]]


@pytest.mark.parametrize("route", [{"max_body": "1KiB"}])
async def test_a_refusal_is_read_before_the_end(proxy: Running, issuer: Authority) -> None:
    """The sender is still sending."""
    sender = await proxy.begin(request(b"POST /orders", b"Content-Length: 2048") + b"x" * 1000, tls=issuer.trusting())
    refused = await sender.answer()
    assert (refused.status, refused.code, await sender.rest()) == (413, "body_too_large", b"")


async def test_an_exchange_in_flight_gets_its_answer(proxy: Running, upstream: Upstream, issuer: Authority) -> None:
    """A handshake on its way ends."""
    go = asyncio.Event()

    async def held(call: Call) -> None:
        await call.body()
        await soon(go.wait())
        await answer(200, body=b"done")(call)

    upstream.follow(held)
    sender, shaking = await proxy.sender(tls=issuer.trusting()), await proxy.sender()
    await sender.send(POST)
    await upstream.reach(1)
    stopping = asyncio.create_task(proxy.app.stop())
    await until(lambda: all(not each.persistent() for each in proxy.app.senders))
    proxy.clock.advance(LINGER)
    assert await shaking.rest() == b""
    go.set()
    relayed = await sender.answer()
    assert (relayed.body, relayed.field(b"Connection"), await sender.rest()) == (b"done", [b"close"], b"")
    await soon(stopping)


async def test_a_unix_socket_may_speak_it_too(orders: Orders, issuer: Authority, tmp_path: Path) -> None:
    """For whoever shares one with others."""
    listen = {"address": "unix:senders", "tls": issuer.listener()}
    proxy = await orders({"listen": listen})
    streams = await asyncio.open_unix_connection(
        tmp_path / "senders", ssl=issuer.trusting(), server_hostname="proxy.example"
    )
    sender = Sender(*streams)
    assert (await sender.ask(request(b"GET /orders"))).status == 200
    sender.leave()
    assert proxy.port == 0
