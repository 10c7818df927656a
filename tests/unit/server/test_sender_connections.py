"""The connections of senders, counted."""

import asyncio
from typing import cast

from proxy.config.model import Limits
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from tests.fakes.loop import LeapingLoop, leaping


class Sender:
    """One that is counted."""

    address = "192.0.2.1"


def test_a_sender_that_goes_when_the_process_goes_on_is_waited_for() -> None:
    """A drain whose time passed while the process stood still reads what has come before it gives up."""

    async def scenario() -> None:
        crowd, sender = SenderConnections(Limits()), cast("SenderConnection", Sender())
        crowd.add(sender)
        draining = asyncio.ensure_future(crowd.emptied(30))
        await asyncio.sleep(0)
        leaping().leap(100)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not draining.done()
        crowd.remove(sender)
        await draining

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())
