"""Who watches the configuration's file."""

import asyncio
import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from proxy.cli.reloading import ConfigurationWatcher, Reloading, problems_of
from proxy.config.parsed_values import Address
from proxy.observe.process_log import ProcessLog
from proxy.server.sockets import named
from tests.fakes.log import LogLines
from tests.unit.oauth.world import Lines

if TYPE_CHECKING:
    from proxy.app import App
    from proxy.config.model import Configuration


class Wishes:
    """A reloading that only hears."""

    def __init__(self) -> None:
        self.count = 0
        self.came = asyncio.Event()

    def want(self) -> None:
        """Count it."""
        self.count += 1
        self.came.set()


@pytest.fixture
async def wishes() -> Wishes:
    """None so far."""
    return Wishes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration's file."""
    path = tmp_path / "proxy.yaml"
    path.write_text("old")
    return path


async def test_what_was_written_while_the_configuration_was_read_is_wanted(file: Path, wishes: Wishes) -> None:
    """The watcher is made before that."""
    watcher = await asyncio.to_thread(ConfigurationWatcher, file)
    file.write_text("new")
    watcher.start(cast("Reloading", wishes), Lines())
    await asyncio.wait_for(wishes.came.wait(), 30)
    await watcher.close()
    assert wishes.count == 1


async def test_a_file_that_cannot_be_read_is_logged_once(file: Path, wishes: Wishes) -> None:
    """It is no reason for a reload."""
    log, watcher = Lines(), await asyncio.to_thread(ConfigurationWatcher, file)
    watcher.start(cast("Reloading", wishes), log)
    file.unlink()
    for _ in range(2):
        await watcher.files.look()
    with file.open("wb") as large:
        large.truncate(1 << 40)
    await watcher.files.look()
    await watcher.close()
    reasons = ["No such file or directory", f"the file {file} is larger than 1 MiB; name the right one"]
    assert [line["reason"] for line in log.named("config.unreadable")] == reasons
    assert wishes.count == 0


def test_a_taken_address_may_be_our_own() -> None:
    """What overlaps with an address of this proxy takes a restart."""
    with pytest.raises(OSError, match="listen") as caught, named("listen", Address(host="127.0.0.1", port=8080)):
        raise OSError(errno.EADDRINUSE, "in use")
    (problem,) = problems_of(caught.value)
    assert problem.endswith("; where an address of this proxy overlaps with it, restart")
    assert problems_of(ValueError("no")) == ["no"]


class Changing:
    """A proxy that another configuration is prepared for and applied to, each when it is let go on."""

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
        """Remember it."""
        self.steps.append(outcome)

    async def prepare(self, _: object) -> None:
        """Read files and bind addresses."""
        await self._step("prepare")

    async def apply(self, _: object) -> None:
        """Let it hold."""
        await self._step("apply")
        self.steps.append("applied")

    async def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.held:
            self.reached.set()
            await self.go.wait()


async def taken(_: object) -> None:
    """Be told what holds."""


def reloading_of(app: Changing, read: Callable[[], object]) -> Reloading:
    """One that has begun, and that was asked."""
    made = Reloading(
        cast("App", app),
        read=cast("Callable[[], Configuration]", read),
        taken=taken,
        begun=lambda: None,
        ended=lambda: None,
    )
    made.start()
    made.want()
    return made


async def test_a_stop_does_not_wait_for_files_that_hang() -> None:
    """Nothing has changed until then."""
    app, begun, go = Changing(), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        go.wait(30)

    made = reloading_of(app, hang)
    assert await asyncio.to_thread(begun.wait, 30)
    async with asyncio.timeout(5):
        await made.close()
    go.set()
    assert app.steps == []


async def test_a_stop_gives_up_what_is_prepared_and_waits_for_what_is_applied() -> None:
    """A configuration holds whole or not at all."""
    app = Changing()
    app.held = "prepare"
    made = reloading_of(app, lambda: None)
    await asyncio.wait_for(app.reached.wait(), 30)
    await asyncio.wait_for(made.close(), 30)
    assert app.steps == ["prepare"]

    app = Changing()
    app.held = "apply"
    made = reloading_of(app, lambda: None)
    await asyncio.wait_for(app.reached.wait(), 30)
    closing = asyncio.create_task(made.close())
    await asyncio.sleep(0)
    assert not closing.done()
    app.go.set()
    await asyncio.wait_for(closing, 30)
    assert app.steps == ["prepare", "apply", "applied", "reloaded"]


async def test_a_fault_of_ours_is_told_by_its_kind_and_place_and_the_next_reload_is_taken() -> None:
    """Its text may hold what a secret file holds."""

    def fail() -> None:
        app.steps.append("read")
        if app.steps.count("read") == 1:
            raise RuntimeError("s3cr3t")

    app = Changing()
    made = reloading_of(app, fail)
    (line,) = await app.lines.reach("config.rejected")
    (problem,) = line["problems"]
    assert problem.startswith("RuntimeError at cli/test_reloading.py:")
    assert "s3cr3t" not in str(app.lines.text)
    app.held = "apply"
    made.want()
    await asyncio.wait_for(app.reached.wait(), 30)
    app.go.set()
    await made.close()
    assert app.steps == ["read", "rejected", "read", "prepare", "apply", "applied", "reloaded"]
