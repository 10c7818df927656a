"""Standard error is a pipe: one that nobody reads, or one that another process has made non-blocking."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.sender import Sender, request
from tests.system.command import PATIENCE, Command

ASK = request(b"POST /http/invoices", body=b"x")
EXCHANGES = 400
"Their lines fill a pipe twice."
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 2)
os.close(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""
SECRET = b"Bearer cAnAryAdminHeader"


class Piped(Command):
    """`run`, with a pipe for standard error that is read by hand."""

    def __init__(self, file: Path, *, blocking: bool) -> None:
        super().__init__("run", "-c", str(file))
        self.reading, self._writing = os.pipe()
        os.set_blocking(self._writing, blocking)
        self.pass_fds = (self._writing,)
        self.before = (sys.executable, "-c", LAUNCH, str(self._writing))
        self.port = self.admin_port = 0
        self.text = ""

    async def started(self) -> None:
        """Wait for its ports, and close our copy of the writing end."""
        os.close(self._writing)
        while not (found := re.search(r"listening on 127\.0\.0\.1:(\d+), admin on 127\.0\.0\.1:(\d+); ", self.text)):
            self.text += await self.read()
        self.port, self.admin_port = int(found[1]), int(found[2])

    async def read(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return (await asyncio.to_thread(os.read, self.reading, 1 << 16)).decode()

    async def read_all(self) -> list[str]:
        """Read up to the end; the lines."""
        while text := await self.read():
            self.text += text
        return self.text.splitlines()


@pytest.fixture(params=[True, False], ids=["blocking", "non-blocking"])
async def proxy(request: pytest.FixtureRequest, configuration: Path) -> AsyncIterator[Piped]:
    """A running proxy, whose log has been read up to its start."""
    piped = Piped(configuration, blocking=request.param)
    async with piped:
        await piped.started()
        yield piped
    os.close(piped.reading)


async def exchanged(proxy: Piped) -> None:
    """Messages that are delivered, one after the other."""
    sender = await Sender.connect(proxy.port)
    for _ in range(EXCHANGES):
        assert (await sender.ask(ASK)).status == 200
    sender.leave()


async def malformed(proxy: Piped) -> None:
    """What is no HTTP, at the admin address."""
    for _ in range(100):
        sender = await Sender.connect(proxy.admin_port)
        octets = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization : " + SECRET + b"x" * 5000 + b"\r\n\r\n"
        assert (await sender.ask(octets)).status == 400
        sender.leave()


async def test_exchanges_admin_and_stop_go_on_while_nobody_reads(proxy: Piped) -> None:
    """Only lines of the log are written."""
    await exchanged(proxy)
    await malformed(proxy)
    await exchanged(proxy)
    sender = await Sender.connect(proxy.admin_port)
    assert (await sender.ask(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200
    sender.leave()
    assert (await proxy.stop()).status == 0
    lines = await proxy.read_all()
    assert all(line.startswith('{"timestamp":"') for line in lines)
    assert "Traceback" not in proxy.text
    assert "cAnAry" not in proxy.text


async def test_nothing_is_lost_and_no_line_is_cut_when_it_is_read_late(proxy: Piped) -> None:
    """Of the refusals the first have theirs."""
    await exchanged(proxy)
    await malformed(proxy)
    reading = asyncio.create_task(proxy.read_all())
    assert (await proxy.stop()).status == 0
    events = [json.loads(line)["event"] for line in await reading]
    assert events.count("exchange.finished") == EXCHANGES
    assert events.count("log.dropped") == 0
    assert 10 <= events.count("admin.refused") < 100
    assert events[-1] == "proxy.stopped"
