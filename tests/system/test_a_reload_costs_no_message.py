"""Reloads, restarts and stops under load: every message gets the upstream's answer, and arrives once."""

import asyncio
import errno
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import IO, Any

import pytest
import yaml
from aiohttp import ClientSession

from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.system.command import PATIENCE, Activated, Command, Proxy, Unconfigured, document
from tests.system.load import Load


@pytest.fixture
def arrived() -> Counter[bytes]:
    """Which bodies arrived at the upstream, and how often."""
    return Counter()


@pytest.fixture
async def upstream(arrived: Counter[bytes]) -> AsyncIterator[Upstream]:
    """Where messages arrive."""

    async def count(call: Call) -> None:
        arrived[await call.body()] += 1
        await answer(200, body=b"ok")(call)

    async with Upstream(count) as started:
        yield started


@pytest.fixture
async def authority() -> AsyncIterator[AuthorizationServer]:
    """One whose tokens differ."""
    async with AuthorizationServer(*(granted(f"token-{number}") for number in range(50))) as started:
        yield started


class World:
    """A configuration with one route, whose secret is in a file."""

    def __init__(self, folder: Path, upstream: Upstream, authority: AuthorizationServer) -> None:
        self.folder = folder
        client = {"token_url": authority.url, "client_id": "id", "client_secret_file": "secret"}
        self._base = document(upstream.url, authority.url, oauth_clients={"orders": client})
        (self.route,) = self._base["routes"]

    def written(self, name: str = "proxy.yaml", *, secret: str = "s3cret", **options: Any) -> Path:
        """The configuration's file, with these options."""
        path = self.folder / name
        (self.folder / "secret").write_text(secret)
        (self.folder / "secret").chmod(0o600)
        path.write_text(yaml.safe_dump(self._base | options))
        return path


@pytest.fixture
def world(tmp_path: Path, upstream: Upstream, authority: AuthorizationServer) -> World:
    """In front of that upstream."""
    return World(tmp_path, upstream, authority)


async def test_ten_reloads_under_load(world: World, arrived: Counter[bytes]) -> None:
    """Routes, limits and the secret are others each time."""
    async with Proxy(world.written()) as proxy:
        load = Load(proxy.port)
        async with load.running():
            for number in range(1, 11):
                added = world.route | {"path": f"/more{number}"}
                changed = world.route | {"max_body": f"{number}MiB"}
                limits = {"max_connections": 100 + number}
                world.written(routes=[changed, added], limits=limits, secret=f"secret-{number}")
                proxy.send(signal.SIGHUP)
                line = (await proxy.logged("config.reloaded", number))[-1]
                assert f"/more{number} -> " in line["detail"]
                await load.goes_on()
    load.check(arrived)


async def test_a_wrong_configuration_is_told_and_not_taken(world: World) -> None:
    """A right one is taken afterwards."""
    path = world.written()
    async with Proxy(path) as proxy:
        path.write_text("routes: []\nlisten: nowhere\n")
        proxy.send(signal.SIGHUP)
        rejected = await proxy.logs("config.rejected")
        assert rejected["level"] == "error"
        assert len(rejected["problems"]) >= 3
        assert all(str(path) in each for each in rejected["problems"])
        sender = await Sender.connect(proxy.port)
        assert (await sender.ask(request(b"POST /orders", body=b"1"))).status == 200
        sender.leave()
        world.written()
        proxy.send(signal.SIGHUP)
        await proxy.logs("config.reloaded")
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{proxy.admin_port}/metrics") as metrics:
            text = await metrics.text()
    assert 'cpi_proxy_reloads_total{outcome="rejected"} 1.0' in text
    assert 'cpi_proxy_reloads_total{outcome="reloaded"} 1.0' in text


async def being_read(pipe: Path) -> IO[str]:
    """The pipe's other end, when somebody has begun to read."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "w")
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                await asyncio.sleep(0)


async def test_a_reload_that_is_wanted_during_the_start_comes_after_it(world: World) -> None:
    """Without a handler the signal would end the process."""
    text = world.written().read_text()
    other = world.route | {"path": "/other"}
    again = world.written(routes=[other]).read_text()
    pipe = world.folder / "pipe.yaml"
    os.mkfifo(pipe)
    async with Command("run", "-c", str(pipe)) as proxy:
        with await being_read(pipe) as first:
            proxy.send(signal.SIGHUP)
            first.write(text)
        assert "/orders -> " in (await proxy.logs("proxy.started"))["detail"]
        with await being_read(pipe) as second:
            second.write(again)
        assert "/other -> " in (await proxy.logs("config.reloaded"))["detail"]


async def test_a_file_that_hangs_does_not_keep_a_stop_waiting(world: World) -> None:
    """Whoever stops the proxy has little patience."""
    text = world.written().read_text()
    pipe = world.folder / "pipe.yaml"
    os.mkfifo(pipe)
    async with Command("run", "-c", str(pipe)) as proxy:
        with await being_read(pipe) as first:
            first.write(text)
        await proxy.logs("proxy.started")
        proxy.send(signal.SIGHUP)
        with await being_read(pipe):
            proxy.send(signal.SIGTERM)
            await proxy.logs("proxy.stopped")
        assert (await proxy.ends()).status == 0
        assert not any("config.re" in line for line in proxy.errors)


@pytest.mark.measured
async def test_a_watched_file_is_taken_when_it_changes(world: World) -> None:
    """Also if another file takes its place, as with editors and Kubernetes."""
    path = world.written()
    async with Command("run", "--watch", "-c", str(path)) as proxy:
        await proxy.logs("proxy.started")
        path.rename(world.folder / "away")
        await proxy.logs("config.unreadable")
        other = world.route | {"path": "/other"}
        world.written("new.yaml", routes=[other]).rename(path)
        assert "/other -> " in (await proxy.logs("config.reloaded"))["detail"]


async def test_there_is_nothing_to_watch_without_a_file(tmp_path: Path) -> None:
    """Wrong words."""
    async with Unconfigured("run", "--watch", cwd=tmp_path, CPI_UPSTREAM="https://a.example") as command:
        finished = await command.ends()
    assert finished.status == 2
    assert "--watch" in finished.errors


async def test_a_rolling_restart_of_two_on_one_port(world: World, arrived: Counter[bytes]) -> None:
    """Three times over."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = world.written(listen=f"127.0.0.1:{port}", reuse_port=True)
    load = Load(port)
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(Proxy(path))
        async with load.running():
            for _ in range(3):
                new = await stack.enter_async_context(Proxy(path))
                await load.goes_on()
                assert (await old.stop()).status == 0
                await load.goes_on()
                old = new
    load.check(arrived)


async def test_restarts_behind_a_socket_of_the_service_manager(world: World, arrived: Counter[bytes]) -> None:
    """It stays while nobody serves: senders wait a little."""
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.bind(str(world.folder / "notify"))
    with notified, socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        port = listening.getsockname()[1]
        path = world.written(listen=f"127.0.0.1:{port}")
        load = Load(port)
        async with AsyncExitStack() as stack, load.running():
            for _ in range(2):
                async with Activated(path, listening, world.folder / "notify") as proxy:
                    await proxy.logs("proxy.started")
                    await load.goes_on()
                    proxy.send(signal.SIGHUP)
                    await proxy.logs("config.reloaded")
            last = await stack.enter_async_context(Activated(path, listening, world.folder / "notify"))
            await last.logs("proxy.started")
            await load.goes_on()
        said = [notified.recv(100).split(b"\n")[0] for _ in range(10)]
    load.check(arrived)
    assert said == [b"READY=1", b"RELOADING=1", b"READY=1", b"STOPPING=1"] * 2 + [b"READY=1", b"STOPPING=1"]


async def test_a_socket_for_another_address_is_no_start(world: World) -> None:
    """It is meant for something else."""
    path = world.written()
    with socket.create_server(("127.0.0.2", 0)) as listening:
        async with Activated(path, listening, world.folder / "nobody") as proxy:
            finished = await proxy.ends()
    assert finished.status == 1
    assert "`listen` does not name 127.0.0.2:" in finished.errors


async def test_what_is_no_socket_is_no_start(world: World) -> None:
    """One line says so."""
    path = world.written()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        async with Activated(path, opened, world.folder / "nobody") as proxy:
            finished = await proxy.ends()
    assert finished.status == 1
    (line,) = finished.errors.splitlines()
    assert "descriptor 3 is not a listening stream socket" in json.loads(line)["detail"]
