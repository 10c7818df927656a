"""What an upstream sends behind an answer reaches nobody, wherever it waits: in the socket, in TLS or in our memory."""

import asyncio
import socket

from proxy.wire.body import HIGH_WATER
from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Line, Upstream, answer, head
from tests.flow.running import Orders, Running, soon, turns, until

RECORD = 16 << 10
"Octets of content that a TLS record may have."
EVIL = head(200, b"Content-Length: 4") + b"evil"
ASK = request(b"GET /orders")


class SlowSender:
    """A sender that reads without the event loop."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setblocking(False)

    def send(self, octets: bytes) -> None:
        self._socket.send(octets)

    def read(self) -> bytes:
        pieces = []
        while True:
            try:
                pieces.append(self._socket.recv(1 << 20))
            except BlockingIOError:
                return b"".join(pieces)
            if not pieces[-1]:
                return b"".join(pieces)

    async def answer(self, end: bytes) -> bytes:
        """What it is sent up to this end."""
        read = b""
        async with asyncio.timeout(30):
            while end not in read:
                await asyncio.sleep(0)
                read += self.read()
        return read

    def close(self) -> None:
        self._socket.close()


async def connect(proxy: Running) -> SlowSender:
    """A sender that has been served."""
    sender = await asyncio.to_thread(SlowSender, proxy.port)
    sender.send(request(b"POST /orders", body=b""))
    assert (await sender.answer(b"good")).startswith(b"HTTP/1.1 200")
    return sender


def pouring(proxy: Running, poured: asyncio.Event, *unasked: bytes) -> Line:
    """A line that answers until the sender is congested, then sends the end and what nobody asked for in one go.

    `poured` is set when all of it is in the sockets.
    """

    async def pour(call: Call) -> None:
        await call.send(head(200, b"Transfer-Encoding: chunked"))
        (pool,) = proxy.app.pools
        while not any(each.congested for each in proxy.app.senders):
            await call.send(b"%x\r\n%b\r\n" % (RECORD // 2, bytes(RECORD // 2)))
            await turns(4)
        await until(lambda: all(each.body is None or each.body.received % (RECORD // 2) == 0 for each in pool._all))
        size = HIGH_WATER + 1
        call._writer.write(b"%x\r\n" % size + bytes(RECORD))
        call._writer.write(bytes(RECORD))
        call._writer.write(bytes(size - 2 * RECORD) + b"\r\n0\r\n\r\n")
        for octets in unasked:
            call._writer.write(octets)
        await until(lambda: call._writer.transport.get_write_buffer_size() == 0)
        poured.set()
        await call.ended()

    return pour


@cases("turn", {"in the same turn": False, "in another turn": True})
@cases("unasked", {"whole": (EVIL,), "a part": (EVIL[:1],), "in two": (EVIL[:9], EVIL[9:])})
@cases("secure", {"TLS": True, "plain": False})
async def test_a_sender_that_reads_slowly_leaves_nothing_to_the_next(
    orders: Orders, issuer: Authority, *, secure: bool, unasked: tuple[bytes, ...], turn: bool
) -> None:
    """Another exchange begins before or after that."""
    good = answer(200, body=b"good")
    async with Upstream(tls=issuer.server() if secure else None) as upstream:
        upstream.follow(good)
        proxy = await orders(upstream=upstream, tls={"ca_file": issuer.ca_file()} if secure else {})
        slow, other = await connect(proxy), await connect(proxy)
        poured = asyncio.Event()
        upstream.follow(pouring(proxy, poured, *unasked), good)
        slow.send(ASK)
        (pool,) = proxy.app.pools
        await soon(poured.wait())
        await until(lambda: any(each.body is not None and each.body.paused for each in pool._all))
        await turns()
        read = slow.read()
        if turn:
            read += await slow.answer(b"\r\n0\r\n\r\n")
        other.send(ASK)

        answered = await other.answer(b"\r\n\r\n")
        assert (answered.endswith(b"good"), b"evil" in answered) == (True, False)
        read = read if turn else read + await slow.answer(b"\r\n0\r\n\r\n")
        assert (read.startswith(b"HTTP/1.1 200"), b"evil" in read) == (True, False)
        await soon(upstream.reach(4))
        assert upstream.requests[3].connection != upstream.requests[2].connection
        slow.close()
        other.close()
