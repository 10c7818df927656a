"""A proxy with fewer descriptors than senders serves as many as it can, and tells the others so."""

import asyncio
from pathlib import Path

from tests.fakes.sender import Sender, request
from tests.system.command import Proxy

ASK = request(b"POST /http/echo/1", body=b"x")


class Poor(Proxy):
    """A proxy that may have 256 descriptors."""

    before = ("sh", "-c", 'ulimit -n 256 && exec "$@"', "sh")


async def test_three_hundred_idle_senders_starve_nobody_who_was_admitted(configuration: Path) -> None:
    """Fifty-six are admitted: each can have a connection of its own to the upstream."""
    async with Poor(configuration) as proxy:
        warning = await proxy.logs("connections.limited")
        assert (warning["level"], warning["most"]) == ("warning", 56)
        senders = [await Sender.connect(proxy.port) for _ in range(300)]
        refusals = await asyncio.gather(*(refusal(each) for each in senders[56:]))
        assert set(refusals) <= {"overloaded", "closed"}
        assert refusals[:100] == ["overloaded"] * 100
        answers = await asyncio.gather(*(each.ask(ASK) for each in senders[:56]))
        assert [each.status for each in answers] == [200] * 56
        for each in senders:
            each.leave()


async def test_idle_connections_to_the_admin_address_take_nothing_from_senders(configuration: Path) -> None:
    """However many there are: all senders that are admitted are served, and the admin address is again when they go."""
    async with Poor(configuration) as proxy:
        idle = [await Sender.connect(proxy.admin_port) for _ in range(300)]
        assert [(await each.answer()).status for each in idle[64:]] == [503] * 236
        senders = [await Sender.connect(proxy.port) for _ in range(56)]
        answers = await asyncio.gather(*(each.ask(ASK) for each in senders))
        assert [each.status for each in answers] == [200] * 56
        assert (await idle[0].ask(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200
        for each in (*idle, *senders):
            each.leave()


async def refusal(sender: Sender) -> str:
    """What a sender too many is told; those beyond the last descriptor are told nothing."""
    try:
        return (await sender.answer()).code
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return "closed"
