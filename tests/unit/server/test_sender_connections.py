"""How many connections senders may have."""

import asyncio
from typing import cast

from proxy.config.model import Limits
from proxy.errors import Overloaded
from proxy.server.sender_connections import CountedConnection, SenderConnections
from tests.fakes.loop import LeapingLoop, leaping


class Counted:
    """A connection from one address."""

    def __init__(self, address: str) -> None:
        self.address = address


def connection(address: str) -> CountedConnection:
    """One connection."""
    return cast("CountedConnection", Counted(address))


def test_a_crowd_is_no_larger_than_the_system_allows() -> None:
    """Whatever the configuration says."""
    connections = SenderConnections[CountedConnection](Limits(max_connections=10), most=1)
    assert connections.add(connection("192.0.2.1")) is None
    assert isinstance(connections.add(connection("192.0.2.2")), Overloaded)


def test_a_sender_has_a_limit() -> None:
    """Others, and those of a Unix socket, come in."""
    connections = SenderConnections[CountedConnection](Limits(max_connections_per_sender=1))
    first = connection("192.0.2.1")
    assert connections.add(first) is None
    second = connection("192.0.2.1")
    assert isinstance(connections.add(second), Overloaded)
    assert [connections.add(connection(address)) for address in ("192.0.2.2", "", "")] == [None] * 3

    connections.remove(first)
    connections.remove(second)
    assert connections.add(connection("192.0.2.1")) is None


def test_an_ipv6_sender_is_counted_by_its_network() -> None:
    """A host may use a whole /64."""
    connections = SenderConnections[CountedConnection](Limits(max_connections_per_sender=1))
    first = connection("2001:db8::1")
    assert connections.add(first) is None
    second = connection("2001:db8::ffff:0:2%eth0")
    assert isinstance(connections.add(second), Overloaded)
    others = ("2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.2")
    assert [connections.add(connection(address)) for address in others] == [None] * 3
    assert isinstance(connections.add(connection("192.0.2.1")), Overloaded)

    connections.remove(first)
    connections.remove(second)
    assert connections.add(connection("2001:db8::3")) is None


def test_a_crowd_forgets_who_has_gone() -> None:
    """No address is kept."""
    connections = SenderConnections[CountedConnection](Limits())
    gone = connection("192.0.2.1")
    connections.add(gone)
    connections.remove(gone)

    assert (len(connections), dict(connections._by_sender)) == (0, {})


async def test_an_empty_crowd_is_not_waited_for() -> None:
    """Stopping an idle proxy takes no time."""
    connections = SenderConnections[CountedConnection](Limits())

    waiting = asyncio.create_task(connections.emptied(3600))
    await asyncio.sleep(0)
    assert waiting.done()


async def test_a_crowd_is_waited_for_until_the_last_has_gone() -> None:
    """Not the last but one."""
    connections = SenderConnections[CountedConnection](Limits())
    several = [connection("192.0.2.1"), connection("192.0.2.2")]
    for each in several:
        connections.add(each)
    waiting = asyncio.create_task(connections.emptied(3600))
    await asyncio.sleep(0)
    connections.remove(several[0])
    await asyncio.sleep(0)
    assert not waiting.done()

    connections.remove(several[1])
    await asyncio.wait_for(waiting, 30)


async def test_a_crowd_is_not_waited_for_for_ever() -> None:
    """That some stay is no error here."""
    connections = SenderConnections[CountedConnection](Limits())
    connections.add(connection("192.0.2.1"))
    await connections.emptied(0)

    assert len(connections) == 1


def test_a_sender_that_goes_when_the_process_goes_on_is_waited_for() -> None:
    """What has come is read before a drain gives up."""

    async def scenario() -> None:
        connections, sender = SenderConnections[CountedConnection](Limits()), connection("192.0.2.1")
        connections.add(sender)
        draining = asyncio.ensure_future(connections.emptied(30))
        await asyncio.sleep(0)
        leaping().leap(100)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not draining.done()
        connections.remove(sender)
        await draining

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())
