"""Listeners, and the crowd of their connections."""

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
from proxy.errors import Overloaded, ProxyError
from proxy.forwarding.request import Request
from proxy.server.listener import Listener, Reception
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from proxy.server.sender_transport import LINGER
from proxy.wire.reading import PieceReader
from tests.fakes.heads import REQUESTS
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport
from tests.unit.oauth.world import Lines

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


class Guest:
    """What a crowd counts."""

    def __init__(self, address: str) -> None:
        self.address = address


def guest(address: str) -> SenderConnection:
    """One connection."""
    return cast("SenderConnection", Guest(address))


def test_a_crowd_has_a_limit() -> None:
    """Who comes too late is told to come again, and counts as long as it is there."""
    crowd = SenderConnections(Limits(max_connections=2))
    guests = [guest(f"192.0.2.{number}") for number in range(3)]
    refusals = [crowd.add(each) for each in guests]
    assert refusals[:2] == [None, None]
    assert isinstance(refusals[2], Overloaded)
    assert (refusals[2].retry_after, len(crowd), set(crowd)) == (1, 3, set(guests))

    crowd.remove(guests[2])
    crowd.remove(guests[0])
    assert crowd.add(guest("192.0.2.9")) is None


def test_a_crowd_is_no_larger_than_the_system_allows() -> None:
    """Whatever the configuration says."""
    crowd = SenderConnections(Limits(max_connections=10), most=1)
    assert crowd.add(guest("192.0.2.1")) is None
    assert isinstance(crowd.add(guest("192.0.2.2")), Overloaded)


def test_a_sender_has_a_limit() -> None:
    """Others come in all the same; those of a Unix socket have no address to be counted by."""
    crowd = SenderConnections(Limits(max_connections_per_sender=1))
    first = guest("192.0.2.1")
    assert crowd.add(first) is None
    second = guest("192.0.2.1")
    assert isinstance(crowd.add(second), Overloaded)
    assert [crowd.add(guest(address)) for address in ("192.0.2.2", "", "")] == [None] * 3

    crowd.remove(first)
    crowd.remove(second)
    assert crowd.add(guest("192.0.2.1")) is None


def test_an_ipv6_sender_is_counted_by_its_network() -> None:
    """One host has all addresses of a /64; another network is another sender, as is each IPv4 address."""
    crowd = SenderConnections(Limits(max_connections_per_sender=1))
    first = guest("2001:db8::1")
    assert crowd.add(first) is None
    second = guest("2001:db8::ffff:0:2%eth0")
    assert isinstance(crowd.add(second), Overloaded)
    others = ("2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.2")
    assert [crowd.add(guest(address)) for address in others] == [None] * 3
    assert isinstance(crowd.add(guest("192.0.2.1")), Overloaded)

    crowd.remove(first)
    crowd.remove(second)
    assert crowd.add(guest("2001:db8::3")) is None


def test_a_crowd_forgets_who_has_gone() -> None:
    """No address is kept."""
    crowd = SenderConnections(Limits())
    gone = guest("192.0.2.1")
    crowd.add(gone)
    crowd.remove(gone)

    assert (len(crowd), dict(crowd._by_sender)) == (0, {})


async def test_an_empty_crowd_is_not_waited_for() -> None:
    """Stopping an idle proxy takes no time."""
    crowd = SenderConnections(Limits())

    waiting = asyncio.create_task(crowd.emptied(3600))
    await asyncio.sleep(0)
    assert waiting.done()


async def test_a_crowd_is_waited_for_until_the_last_has_gone() -> None:
    """Not the last but one."""
    crowd = SenderConnections(Limits())
    guests = [guest("192.0.2.1"), guest("192.0.2.2")]
    for each in guests:
        crowd.add(each)
    waiting = asyncio.create_task(crowd.emptied(3600))
    await asyncio.sleep(0)
    crowd.remove(guests[0])
    await asyncio.sleep(0)
    assert not waiting.done()

    crowd.remove(guests[1])
    await asyncio.wait_for(waiting, 30)


async def test_a_crowd_is_not_waited_for_for_ever() -> None:
    """That some stay is no error here."""
    crowd = SenderConnections(Limits())
    crowd.add(guest("192.0.2.1"))
    await crowd.emptied(0)

    assert len(crowd) == 1


class House:
    """Everything around listeners."""

    def __init__(self, **limits: Any) -> None:
        self.limits = Limits(**limits)
        self.crowd = SenderConnections(self.limits)
        self.requests: list[Request] = []
        self.refusals: list[ProxyError] = []
        self.reception = Reception(
            limits=self.limits,
            deadlines=HandLoop().deadlines(),
            ids=iter(f"id-{number}" for number in range(100)),
            crowd=self.crowd,
            serve=self.serve,
            refuse=self.refuse,
            crashed=lambda error, address: pytest.fail(f"{error} {address}"),
            unsecured=lambda error, address, wants_certificate: pytest.fail(f"{error} {address} {wants_certificate}"),
            reader=REQUESTS,
            log=Lines(),
        )

    async def serve(self, request: Request) -> None:
        """Answer."""
        self.requests.append(request)
        request.sender.close_after()
        request.sender.send(b"<ok>")

    def refuse(self, connection: SenderConnection, error: ProxyError, request_id: str) -> None:
        """Answer with the code."""
        self.refusals.append(error)
        connection.send(f"<{error.code} {request_id}>".encode())

    @asynccontextmanager
    async def listening(self, address: Address, **settings: Any) -> AsyncIterator[Listener]:
        """A listener that has started."""
        listener = Listener(Settings(address=address, **settings), self.reception)
        await asyncio.to_thread(listener.bind, [], reuse_port=False)
        await listener.start()
        try:
            yield listener
        finally:
            await listener.stop()
            for each in self.crowd:
                each.abort()
            await self.crowd.emptied(30)


LOOPBACK = Address(host="127.0.0.1", port=0)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes = GET) -> bytes:
    """Send, and read to the end of the connection."""
    writer.write(octets)
    async with asyncio.timeout(30):
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


async def test_a_listener_serves_senders() -> None:
    """With the limits of the configuration, and until it stops."""
    house = House(max_head=2048, max_fields=7)
    async with house.listening(LOOPBACK) as listener:
        assert await ask(*await asyncio.open_connection("127.0.0.1", listener.port)) == b"<ok>"
        assert (house.requests[0].sender.address, house.requests[0].sender.secure) == ("127.0.0.1", False)
        port = listener.port

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_listener_serves_a_unix_socket(tmp_path: Path) -> None:
    """Its senders have no address, and its listener no port."""
    house = House()
    path = tmp_path / "senders"
    async with house.listening(Address(path=path), allow=(ip_network("192.0.2.0/24"),)) as listener:
        assert await ask(*await asyncio.open_unix_connection(path)) == b"<ok>"
        assert (house.requests[0].sender.address, listener.port) == ("", 0)


async def test_a_listener_has_a_list_of_its_own() -> None:
    """Who is not on it gets a reason, and is served nothing."""
    house = House()
    async with house.listening(LOOPBACK, allow=(ip_network("192.0.2.0/24"),)) as listener:
        answer = await ask(*await asyncio.open_connection("127.0.0.1", listener.port))

    assert (answer, house.requests) == (b"<sender_not_allowed id-0>", [])


async def test_who_is_one_too_many_is_told_so() -> None:
    """Before its address is looked up in a list."""
    house = House(max_connections=1)
    async with house.listening(LOOPBACK, allow=(ip_network("127.0.0.1/32"),)) as listener:
        _, first = await asyncio.open_connection("127.0.0.1", listener.port)
        second = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await ask(*second, octets=b"") == b"<overloaded id-0>"
        first.close()
        await first.wait_closed()


async def test_a_taken_address_cannot_be_had() -> None:
    """The start fails, and stopping what never started is no error."""
    house = House()
    async with house.listening(LOOPBACK) as listener:
        other = Listener(Settings(address=Address(host="127.0.0.1", port=listener.port)), house.reception)
        with pytest.raises(OSError, match="in use"):
            await asyncio.to_thread(other.bind, [], reuse_port=False)
        await other.stop()
        assert other.port == 0


async def test_an_address_can_be_shared_where_the_configuration_says_so() -> None:
    """`reuse_port`, for rolling restarts."""
    house = House()
    first = Listener(Settings(address=LOOPBACK), house.reception)
    await asyncio.to_thread(first.bind, [], reuse_port=True)
    second = Listener(Settings(address=Address(host="127.0.0.1", port=first.port)), house.reception)
    await asyncio.to_thread(second.bind, [], reuse_port=True)

    assert second.port == first.port
    await first.stop()
    await second.stop()


async def test_who_was_accepted_just_before_the_stop_drains_too() -> None:
    """The event loop tells of a connection one turn after it was accepted."""
    house = House()
    async with house.listening(LOOPBACK) as listener:
        protocol = cast("PieceReader", listener._accept())
    accepted = cast("SenderConnection", protocol._upper)
    protocol.connection_made(MemoryTransport(peername=("192.0.2.7", 1)))
    assert not accepted.persistent()
    assert accepted.deadline == house.reception.deadlines.now() + LINGER


async def test_who_was_accepted_just_before_others_are_let_in_has_to_come_again() -> None:
    """Else it would be served by the configuration before, for as long as it stays."""
    house = House()
    async with house.listening(LOOPBACK) as listener:
        accepted = cast("SenderConnection", listener._accept())
        listener.prepare(Settings(address=LOOPBACK, allow=(ip_network("192.0.2.0/24"),)))(house.reception)
        transport = MemoryTransport(peername=("192.0.2.7", 1))
        accepted.connection_made(transport)
        assert transport.closed
        accepted.connection_lost(None)
