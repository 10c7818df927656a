"""However large a message and however slow its taker, little of it is in our memory at any moment."""

import asyncio
import hashlib
from collections.abc import Iterator

from proxy.upstream.connection import WRITE_HIGH_WATER
from proxy.wire.body import HIGH_WATER
from tests.cases import cases
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Upstream, head
from tests.flow.running import Running, soon, turns, until

SIZE = 24 << 20
ONE_READ = 256 << 10
"The most that uvloop or asyncio read at once."
MOST = 2 * (WRITE_HIGH_WATER + HIGH_WATER + 2 * ONE_READ)
"What both directions of an exchange may hold: a full buffer each, and a read that came when it was not yet full."


def message() -> Iterator[bytes]:
    """Pieces of a large body, no two alike."""
    return (hashlib.sha512(b"%d" % number).digest() * 1024 for number in range(SIZE >> 16))


DIGEST = hashlib.sha256(b"".join(message())).hexdigest()


def held(proxy: Running) -> int:
    """Octets of bodies in our memory."""
    senders = [(each._body, each._transport) for each in proxy.app.senders]
    upstreams = [(each.body, each._transport) for pool in proxy.app.pools for each in pool._all]
    return sum(
        (body._pieces.size if body is not None else 0) + transport.get_write_buffer_size()
        for body, transport in [*senders, *upstreams]
    )


async def test_a_slow_upstream_slows_the_sender(plain: Running, upstream: Upstream) -> None:
    """All of it arrives in the end."""
    go = asyncio.Event()

    async def dawdle(call: Call) -> None:
        await soon(go.wait())
        digest = hashlib.sha256(await call.body()).hexdigest().encode()
        await call.send(head(200, b"Content-Length: 64") + digest)

    upstream.follow(dawdle)
    sender = await plain.sender()

    async def send() -> None:
        await sender.send(request(b"POST /orders", b"Content-Length: %d" % SIZE))
        for piece in message():
            await sender.send(piece)

    sending = asyncio.create_task(send())
    (pool,) = plain.app.pools
    await until(lambda: any(each.congested for each in pool._all))
    await until(lambda: any(each._body is not None and each._body.paused for each in plain.app.senders))
    await turns(200)
    assert HIGH_WATER < held(plain) <= MOST
    assert not sending.done()
    go.set()
    await soon(sending)
    assert (await sender.answer()).body.decode() == DIGEST


@cases("framing", b"Content-Length: %d" % SIZE, b"Transfer-Encoding: chunked")
async def test_a_slow_sender_slows_the_upstream(plain: Running, upstream: Upstream, framing: bytes) -> None:
    """All of it arrives in the end."""
    sent = asyncio.Event()

    async def pour(call: Call) -> None:
        await call.send(head(200, framing))
        for piece in message():
            chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
            await call.send(chunk if framing.startswith(b"T") else piece)
        if framing.startswith(b"T"):
            await call.send(b"0\r\n\r\n")
        sent.set()

    upstream.follow(pour)
    sender = await plain.begin(request(b"GET /orders"))
    (pool,) = plain.app.pools
    await until(lambda: any(each.congested for each in plain.app.senders))
    await until(lambda: any(each.body is not None and each.body.paused for each in pool._all))
    await turns(200)
    assert HIGH_WATER < held(plain) <= MOST
    assert not sent.is_set()
    relayed = await sender.answer()
    assert (len(relayed.body), hashlib.sha256(relayed.body).hexdigest()) == (SIZE, DIGEST)
    assert (await plain.record())["bytes_out"] == SIZE
