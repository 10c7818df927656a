"""Files that hang have a time limit."""

import asyncio
import os
from pathlib import Path

import pytest

from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.files import read_file

PATIENCE = 30.0


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A file that nobody writes to: opening it hangs."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def release(pipe: Path) -> None:
    """Let what hangs at it go on; never waits, because its reader may have gone."""
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))


async def test_a_file_that_hangs_is_named_and_holds_up_no_other(pipe: Path, tmp_path: Path) -> None:
    """Any number of other files are read meanwhile."""
    other = tmp_path / "other"
    other.write_bytes(b"x")
    threads = FileThreads(limit=0.01)
    with pytest.raises(FileHangs, match=rf"^the file {pipe} did not answer within 0\.01 s$"):
        await threads.run(lambda: read_file(pipe))
    patient = FileThreads(limit=PATIENCE)
    assert await asyncio.gather(*(patient.run(lambda: read_file(other)) for _ in range(20))) == [b"x"] * 20
    await asyncio.to_thread(release, pipe)


async def test_what_hangs_elsewhere_is_named_in_general() -> None:
    """As where OpenSSL reads a file."""
    begun = asyncio.get_running_loop().create_future()
    read, write = os.pipe()
    threads = FileThreads(limit=0.01)
    with pytest.raises(FileHangs, match=r"^a file server or DNS did not answer within 0\.01 s$"):
        await threads.run(lambda: os.read(read, 1))
    os.write(write, b"x")
    begun.cancel()
    os.close(write)


async def test_the_file_systems_own_timeout_is_told_as_it_is() -> None:
    """It has an errno."""

    def fail() -> None:
        raise TimeoutError(110, "Connection timed out")

    with pytest.raises(TimeoutError, match="Connection timed out") as caught:
        await FileThreads().run(fail)
    assert not isinstance(caught.value, FileHangs)
