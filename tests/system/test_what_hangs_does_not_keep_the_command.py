"""Files and names that hang, below the real command: it serves, reloads and ends."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import yaml

from tests.cases import cases
from tests.fakes.sender import Sender, request
from tests.system.command import Command, Proxy

SILENT_DNS = """
import socket, time
found = socket.getaddrinfo
def hanging(host, *given, **options):
    if host == "hangs.example":
        print("looked up", host, flush=True)
        time.sleep(3600)
    return found(host, *given, **options)
socket.getaddrinfo = hanging
from proxy.cli import main
main()
"""
IMPATIENT = """
from proxy.config import file_threads
file_threads.LIMIT = 2.0
from proxy.cli import main
main()
"""


def edited(configuration: Path, **options: Any) -> None:
    """Write it with other options."""
    document = yaml.safe_load(configuration.read_text())
    configuration.write_text(yaml.safe_dump(document | options))


def swapped(path: Path) -> str:
    """By a pipe that nobody writes to; the file's text."""
    text = path.read_text()
    path.unlink()
    os.mkfifo(path)
    return text


class Impatient(Proxy):
    """A proxy that waits two seconds for a file, not ten."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.program = (self.program[0], "-c", IMPATIENT)


async def test_a_secret_that_hangs_is_logged_and_holds_up_neither_reload_nor_stop(
    configuration: Path, tmp_path: Path
) -> None:
    """The next reload is taken."""
    secret = tmp_path / "sandbox" / "neo-secret"
    async with Impatient(configuration) as proxy:
        sender = await Sender.connect(proxy.port)
        text = await asyncio.to_thread(swapped, secret)
        proxy.send(signal.SIGHUP)
        rejected = await proxy.logs("config.rejected")
        assert rejected["problems"] == [f"the file {secret} did not answer within 2 s"]
        unreadable = await proxy.logs("secret.unreadable")
        assert unreadable["reason"] == f"the file {secret} did not answer within 2 s"
        assert (await sender.ask(request(b"POST /btp/invoices", body=b"<x/>"))).status == 200
        secret.unlink()
        secret.write_text(text)
        proxy.send(signal.SIGHUP)
        await proxy.logs("config.reloaded")
        assert (await sender.ask(request(b"POST /http/invoices", body=b"<x/>"))).status == 200
        sender.leave()
        assert (await proxy.stop()).status == 0  # while threads still hang at the pipe


class Deaf(Proxy):
    """A proxy for which DNS is silent about one name."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.program = (self.program[0], "-c", SILENT_DNS)


async def test_a_name_that_hangs_does_not_keep_the_command(configuration: Path) -> None:
    """Whoever waits is told of the stop, which ends with 0."""
    document = yaml.safe_load(configuration.read_text())
    hanging = {"path": "/hangs", "upstream": "https://hangs.example", "oauth_client": "orders"}
    edited(configuration, routes=[*document["routes"], hanging], drain_timeout=0)
    async with Deaf(configuration) as proxy:
        sender = await Sender.connect(proxy.port)
        await sender.send(request(b"POST /hangs", body=b"x"))
        await proxy.prints("looked up hangs.example")
        proxy.send(signal.SIGTERM)
        told = await sender.answer()
        assert (told.status, told.code) == (503, "draining")
        finished = await proxy.ends()
        assert finished.status == 0
        assert "exchange.crashed" not in finished.errors
        sender.leave()


@cases("number", signal.SIGTERM, signal.SIGINT)
@cases("option", "listen", "admin")
async def test_the_name_of_an_address_that_hangs_at_the_start_does_not_keep_the_command(
    configuration: Path, number: signal.Signals, option: str
) -> None:
    """The first signal ends it, with 0."""
    edited(configuration, **{option: "hangs.example:0"})
    starting = Command("run", "--insecure-listen", "-c", str(configuration))
    starting.program = (starting.program[0], "-c", SILENT_DNS)
    async with starting:
        await starting.prints("looked up hangs.example")
        starting.send(number)
        finished = await starting.ends()
    assert finished.status == 0
    assert '"proxy.stopped"' in finished.errors
    assert "Traceback" not in finished.errors


async def test_the_name_of_an_address_that_hangs_does_not_keep_the_tour(configuration: Path, tmp_path: Path) -> None:
    """Nor the sandbox behind it."""
    edited(configuration, listen={"address": "hangs.example:0", "allow": ["127.0.0.0/8"]})
    folder = str(tmp_path / "tour")
    tour = Command("sandbox", "--port-base", "0", "--directory", folder, "--proxy", str(configuration))
    tour.program = (tour.program[0], "-c", SILENT_DNS)
    async with tour:
        await tour.prints("looked up hangs.example")
        tour.send(signal.SIGTERM)
        finished = await tour.ends()
    assert (finished.status, finished.errors) == (0, "")
