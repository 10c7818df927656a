"""Reloads, and the watcher that requests them."""

import asyncio
import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from proxy.cli.reloading import ConfigurationWatcher, Reloader, problems_of
from proxy.config.parsed_values import Address
from proxy.observe.process_log import ProcessLog
from proxy.server.sockets import named
from tests.fakes.log import LogLines
from tests.unit.oauth.world import Lines

if TYPE_CHECKING:
    from proxy.app import App
    from proxy.config.model import Configuration


class Requests:
    """A reloader that counts requests."""

    def __init__(self) -> None:
        self.count = 0
        self.arrived = asyncio.Event()

    def request(self) -> None:
        self.count += 1
        self.arrived.set()


@pytest.fixture
async def requests() -> Requests:
    """No request so far."""
    return Requests()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration's file."""
    path = tmp_path / "proxy.yaml"
    path.write_text("old")
    return path


async def test_a_change_while_the_configuration_is_read_requests_a_reload(file: Path, requests: Requests) -> None:
    """The watcher remembers the file as it was before."""
    watcher = await asyncio.to_thread(ConfigurationWatcher, file)
    file.write_text("new")
    watcher.start(cast("Reloader", requests), Lines())
    await asyncio.wait_for(requests.arrived.wait(), 30)
    await watcher.close()
    assert requests.count == 1


async def test_a_file_that_cannot_be_read_is_logged_once(file: Path, requests: Requests) -> None:
    """No reload is requested."""
    log, watcher = Lines(), await asyncio.to_thread(ConfigurationWatcher, file)
    watcher.start(cast("Reloader", requests), log)
    file.unlink()
    for _ in range(2):
        await watcher.files.look()
    with file.open("wb") as large:
        large.truncate(1 << 40)
    await watcher.files.look()
    await watcher.close()
    reasons = ["No such file or directory", f"the file {file} is larger than 1 MiB; name the right one"]
    assert [line["reason"] for line in log.named("config.unreadable")] == reasons
    assert requests.count == 0


def test_an_address_in_use_may_be_the_proxys_own() -> None:
    """Such an overlap requires a restart."""
    with pytest.raises(OSError, match="listen") as caught, named("listen", Address(host="127.0.0.1", port=8080)):
        raise OSError(errno.EADDRINUSE, "in use")
    (problem,) = problems_of(caught.value)
    assert problem.endswith("; if it overlaps with another address of this proxy, restart the proxy")
    assert problems_of(ValueError("no")) == ["no"]


class Changing:
    """A proxy whose reload can be held at a step."""

    def __init__(self) -> None:
        self.metrics = self
        self.steps: list[str] = []
        self.reached = asyncio.Event()
        self.go = asyncio.Event()
        self.held = ""
        "The step that waits."
        self.lines = LogLines()
        self.log = ProcessLog(self.lines, level="info", human=False)

    def count_reload(self, outcome: str) -> None:
        self.steps.append(outcome)

    async def prepare(self, _: object) -> None:
        await self._step("prepare")

    async def apply(self, _: object) -> None:
        await self._step("apply")
        self.steps.append("applied")

    async def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.held:
            self.reached.set()
            await self.go.wait()


async def ignore(_: object) -> None:
    """Ignores the new configuration."""


def reloader_of(app: Changing, read: Callable[[], object]) -> Reloader:
    """A reloader with one request."""
    reloader = Reloader(
        cast("App", app),
        read=cast("Callable[[], Configuration]", read),
        applied=ignore,
        begun=lambda: None,
        ended=lambda: None,
    )
    reloader.start()
    reloader.request()
    return reloader


async def test_a_stop_does_not_wait_for_files_that_hang() -> None:
    """Nothing is prepared."""
    app, begun, go = Changing(), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        go.wait(30)

    reloader = reloader_of(app, hang)
    assert await asyncio.to_thread(begun.wait, 30)
    async with asyncio.timeout(5):
        await reloader.close()
    go.set()
    assert app.steps == []


async def test_a_stop_cancels_a_preparation_and_waits_for_an_application() -> None:
    """A configuration is applied completely or not at all."""
    app = Changing()
    app.held = "prepare"
    reloader = reloader_of(app, lambda: None)
    await asyncio.wait_for(app.reached.wait(), 30)
    await asyncio.wait_for(reloader.close(), 30)
    assert app.steps == ["prepare"]

    app = Changing()
    app.held = "apply"
    reloader = reloader_of(app, lambda: None)
    await asyncio.wait_for(app.reached.wait(), 30)
    closing = asyncio.create_task(reloader.close())
    await asyncio.sleep(0)
    assert not closing.done()
    app.go.set()
    await asyncio.wait_for(closing, 30)
    assert app.steps == ["prepare", "apply", "applied", "reloaded"]


async def test_a_bug_rejects_one_reload_and_the_next_one_is_applied() -> None:
    """The log has the error's type and place, but not its text."""

    def fail() -> None:
        app.steps.append("read")
        if app.steps.count("read") == 1:
            raise RuntimeError("s3cr3t")

    app = Changing()
    reloader = reloader_of(app, fail)
    (line,) = await app.lines.reach("config.rejected")
    (problem,) = line["problems"]
    assert problem.startswith("RuntimeError at cli/test_reloading.py:")
    assert "s3cr3t" not in str(app.lines.text)
    app.held = "apply"
    reloader.request()
    await asyncio.wait_for(app.reached.wait(), 30)
    app.go.set()
    await reloader.close()
    assert app.steps == ["read", "rejected", "read", "prepare", "apply", "applied", "reloaded"]
