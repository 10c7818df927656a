"""Who watches the configuration's file."""

import asyncio
import errno
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from proxy.cli import reloading
from proxy.cli.reloading import Watch, content_of, problems_of
from proxy.config.values import Address
from proxy.server.sockets import named

if TYPE_CHECKING:
    from proxy.app import App
    from proxy.cli.reloading import Reloading


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


def watch_of(file: Path, wishes: Wishes, seen: bytes) -> Watch:
    """Looks again without a pause."""
    return Watch(file, cast("Reloading", wishes), cast("App", None), seen=seen)


async def test_what_was_written_while_the_configuration_was_read_is_wanted(tmp_path: Path, wishes: Wishes) -> None:
    """The first look knows what was read."""
    file = tmp_path / "proxy.yaml"
    file.write_text("new")
    watch = watch_of(file, wishes, b"old")
    watch.start()
    await asyncio.wait_for(wishes.came.wait(), 30)
    await watch.close()


async def test_what_holds_is_not_wanted_again(tmp_path: Path, wishes: Wishes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what comes after it."""
    monkeypatch.setattr(reloading, "WATCHED_EVERY", 0)
    file = tmp_path / "proxy.yaml"
    file.write_text("old")
    watch = watch_of(file, wishes, b"old")
    watch.start()
    async with asyncio.timeout(30):
        while watch._following._content is None:  # noqa: ASYNC110 - there is no event for what is deep inside
            await asyncio.sleep(0)
    assert wishes.count == 0
    await asyncio.to_thread((tmp_path / "new").write_text, "newer")
    await asyncio.to_thread((tmp_path / "new").rename, file)
    await asyncio.wait_for(wishes.came.wait(), 30)
    await watch.close()
    assert wishes.count == 1


def test_a_file_that_is_not_there_has_no_content(tmp_path: Path) -> None:
    """Reading the configuration says so."""
    assert content_of(tmp_path / "none") == b""


def test_a_taken_address_may_be_our_own() -> None:
    """What overlaps with an address of this proxy takes a restart."""
    with pytest.raises(OSError, match="listen") as caught, named("listen", Address(host="127.0.0.1", port=8080)):
        raise OSError(errno.EADDRINUSE, "in use")
    (problem,) = problems_of(caught.value)
    assert problem.endswith("; where an address of this proxy overlaps with it, restart")
    assert problems_of(ValueError("no")) == ["no"]
