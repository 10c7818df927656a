"""A proxy with fewer descriptors than senders serves as many as it can, and tells the others so."""

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest
import yaml

from tests.fakes.sender import Sender, request
from tests.system.command import Proxy

ASK = request(b"POST /http/echo/1", body=b"x")


class Poor(Proxy):
    """A proxy that may have 256 descriptors."""

    before = ("sh", "-c", 'ulimit -n 256 && exec "$@"', "sh")


async def test_three_hundred_idle_senders_starve_nobody_who_was_admitted(configuration: Path) -> None:
    """Each of 56 can have a connection to the upstream."""
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


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to see what is open")
async def test_spool_files_are_counted_too(configuration: Path) -> None:
    """Each of 37 can have a file and a connection to the upstream."""
    await asyncio.to_thread(spooling, configuration)
    message = request(b"POST /http/echo/1", body=b"x" * 8192)
    async with Poor(configuration) as proxy:
        assert (await proxy.logs("connections.limited"))["most"] == 37
        senders = [await Sender.connect(proxy.port) for _ in range(37)]
        for each in senders:
            await each.send(message[:-1])
        descriptors = Path(f"/proc/{proxy.pid}/fd")
        async with asyncio.timeout(60):
            while sum(map(is_spool_file, await asyncio.to_thread(links, descriptors))) < 37:
                continue
        answers = await asyncio.gather(*(each.ask(message[-1:]) for each in senders))
        assert [each.status for each in answers] == [200] * 37
        for each in senders:
            each.leave()
        assert "spool.failed" not in (await proxy.stop()).errors


def spooling(configuration: Path) -> None:
    """Let all routes keep bodies in files."""
    document = yaml.safe_load(configuration.read_text())
    document["routes"] = [each | {"buffer": "1KiB", "spool": "1MiB"} for each in document["routes"]]
    configuration.write_text(yaml.safe_dump(document))


def links(descriptors: Path) -> list[str]:
    """What the descriptors of a process are, but for those that go meanwhile."""
    found = []
    for each in descriptors.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(each.readlink()))
    return found


def is_spool_file(link: str) -> bool:
    """Whether it is a file without a name in our folder."""
    return "cpi-oauth-proxy-" in link and link.endswith("(deleted)")


async def test_idle_connections_to_the_admin_address_take_nothing_from_senders(configuration: Path) -> None:
    """The admin address is served again when they go."""
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
    """Those beyond the last descriptor are told nothing."""
    try:
        return (await sender.answer()).code
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return "closed"
