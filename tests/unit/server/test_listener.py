"""Listeners without TLS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest

from proxy.config.model import Limits
from proxy.config.model import ListenerSettings as Settings
from proxy.config.parsed_values import Address
from proxy.errors import ProxyError
from proxy.forwarding.request import Request, Sender
from proxy.server.listener import Listener
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_transport import LINGER
from proxy.wire.reading import PieceReader
from tests.fakes.listener import listener_context, refuse
from tests.fakes.transport import MemoryTransport

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


class Served:
    """A listener's exchanges and refusals."""

    def __init__(self, **limits: Any) -> None:
        self.limits = Limits(**limits)
        self.requests: list[Request] = []
        self.refusals: list[ProxyError] = []
        self.context = listener_context(self.serve, self.limits, refuse=self.refuse)

    async def serve(self, request: Request) -> None:
        """Answer."""
        self.requests.append(request)
        request.sender.close_after()
        request.sender.send(b"<ok>")

    def refuse(self, sender: Sender, error: ProxyError, request_id: str) -> None:
        """Answers with the code."""
        self.refusals.append(error)
        refuse(sender, error, request_id)

    @asynccontextmanager
    async def listening(self, address: Address, **settings: Any) -> AsyncIterator[Listener]:
        """A listener that has started."""
        listener = Listener(Settings(address=address, **settings), self.context)
        await asyncio.to_thread(listener.bind, [], reuse_port=False)
        await listener.start()
        try:
            yield listener
        finally:
            await listener.stop()
            for each in self.context.connections:
                each.abort()
            await self.context.connections.emptied(30)


LOOPBACK = Address(host="127.0.0.1", port=0)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes = GET) -> bytes:
    """Send, and read to the end of the connection."""
    writer.write(octets)
    async with asyncio.timeout(30):
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


async def test_a_listener_serves_a_unix_socket(tmp_path: Path) -> None:
    """Its senders have no address."""
    served = Served()
    path = tmp_path / "senders"
    async with served.listening(Address(path=path), allow=(ip_network("192.0.2.0/24"),)) as listener:
        assert await ask(*await asyncio.open_unix_connection(path)) == b"<ok>"
        assert (served.requests[0].sender.address, listener.port) == ("", 0)


async def test_a_taken_address_cannot_be_had() -> None:
    """Stopping it is no error."""
    served = Served()
    async with served.listening(LOOPBACK) as listener:
        other = Listener(Settings(address=Address(host="127.0.0.1", port=listener.port)), served.context)
        with pytest.raises(OSError, match="in use"):
            await asyncio.to_thread(other.bind, [], reuse_port=False)
        await other.stop()
        assert other.port == 0


async def test_an_address_can_be_shared_where_the_configuration_says_so() -> None:
    """`reuse_port`, for rolling restarts."""
    served = Served()
    first = Listener(Settings(address=LOOPBACK), served.context)
    await asyncio.to_thread(first.bind, [], reuse_port=True)
    second = Listener(Settings(address=Address(host="127.0.0.1", port=first.port)), served.context)
    await asyncio.to_thread(second.bind, [], reuse_port=True)

    assert second.port == first.port
    await first.stop()
    await second.stop()


async def test_who_was_accepted_just_before_the_stop_drains_too() -> None:
    """The event loop tells of a connection a turn later."""
    served = Served()
    async with served.listening(LOOPBACK) as listener:
        protocol = cast("PieceReader", listener._accept())
    accepted = cast("SenderConnection", protocol._upper)
    protocol.connection_made(MemoryTransport(peername=("192.0.2.7", 1)))
    assert not accepted.persistent()
    assert accepted.deadline == served.context.deadlines.now() + LINGER


async def test_who_was_accepted_just_before_others_are_let_in_has_to_come_again() -> None:
    """The old configuration would serve it."""
    served = Served()
    async with served.listening(LOOPBACK) as listener:
        accepted = cast("SenderConnection", listener._accept())
        listener.prepare(Settings(address=LOOPBACK, allow=(ip_network("192.0.2.0/24"),)))(served.context)
        transport = MemoryTransport(peername=("192.0.2.7", 1))
        accepted.connection_made(transport)
        assert transport.closed
        accepted.connection_lost(None)
