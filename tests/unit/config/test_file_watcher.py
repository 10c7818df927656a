"""Following files."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.files import FileTooLarge
from tests.fakes.looks import Looks


@asynccontextmanager
async def following(path: Path) -> AsyncIterator[tuple[Looks, list[str], list[type[Exception]]]]:
    """Follow a file that holds a word; yields what lets it look, the words, and what could not be read."""
    looks, words, faults = Looks(), list[str](), list[type[Exception]]()

    def read() -> str:
        text = path.read_text()
        if not text.isalpha():
            raise ValueError("is no word")
        return text

    follower = FileWatcher(
        (path,),
        read=read,
        taken=words.append,
        unreadable=lambda error: faults.append(type(error)),
        sleep=looks.sleep,
    )
    follower.start()
    await looks.first()
    yield looks, words, faults
    await follower.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Hold a word."""
    path = tmp_path / "word"
    path.write_text("one")
    return path


async def test_each_content_is_told_once(file: Path) -> None:
    """The first too; looks are five seconds apart."""
    async with following(file) as (looks, words, faults):
        await looks.another()
        file.write_text("two")
        await looks.another()
        await looks.another()
    assert (words, faults, set(looks.pauses)) == (["one", "two"], [], {5.0})


async def test_what_is_wrong_is_told_until_it_is_right(file: Path) -> None:
    """What was taken before stays."""
    async with following(file) as (looks, words, faults):
        file.write_text("!")
        await looks.another()
        file.unlink()
        await looks.another()
        file.write_text("three")
        await looks.another()
    assert (words, faults) == (["one", "three"], [ValueError, FileNotFoundError])


async def test_a_file_that_hangs_is_told_of_each_time_and_read_when_it_answers(file: Path) -> None:
    """It keeps few threads, however long it hangs; a file in its place is read."""
    looks, words, faults = Looks(), list[bytes](), list[Exception]()
    follower = FileWatcher(
        (file,),
        read=file.read_bytes,
        taken=words.append,
        unreadable=faults.append,
        sleep=looks.sleep,
        threads=FileThreads(limit=0.05),
    )
    follower.start()
    await looks.first()
    file.unlink()
    os.mkfifo(file)
    for _ in range(3):
        await looks.another()
    pipe = file.rename(file.with_name("pipe"))
    file.write_text("two")
    await looks.another()
    await follower.close()
    assert words == [b"one", b"two"]
    assert [str(each) for each in faults] == [f"the file {file} did not answer within 0.05 s"] * 3
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))  # what hangs reads nothing


async def test_a_follower_whose_file_hangs_can_be_closed(file: Path) -> None:
    """At once."""
    file.unlink()
    os.mkfifo(file)
    follower = FileWatcher((file,), read=file.read_bytes, taken=print, unreadable=print)
    follower.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await follower.close()
    os.close(os.open(file, os.O_RDWR | os.O_NONBLOCK))


async def test_a_file_above_1_mib_is_not_read(file: Path) -> None:
    """Not even a part of it is taken."""
    async with following(file) as (looks, words, faults):
        with file.open("ab") as large:
            large.truncate(1 << 40)
        await looks.another()
    assert (words, faults) == (["one"], [FileTooLarge])


@pytest.mark.parametrize("at", ["read", "taken"])
async def test_no_error_of_a_library_ends_the_following(file: Path, at: str) -> None:
    """It is told, and the next content is looked at."""
    looks, words, faults = Looks(), list[str](), list[Exception]()

    def read() -> str:
        text = file.read_text()
        if (at, text) == ("read", "odd"):
            raise LookupError("s3cr3t")
        return text

    def take(text: str) -> None:
        if (at, text) == ("taken", "odd"):
            raise LookupError("s3cr3t")
        words.append(text)

    follower = FileWatcher((file,), read=read, taken=take, unreadable=faults.append, sleep=looks.sleep)
    follower.start()
    await looks.first()
    for text in ("odd", "two"):
        file.write_text(text)
        await looks.another()
    await follower.close()
    assert (words, [reason_of(each) for each in faults]) == (["one", "two"], ["LookupError"])


def test_of_errors_that_are_foreseen_the_text_is_told() -> None:
    """It is ours, or the system's."""
    assert (reason_of(ValueError("is no word")), reason_of(OSError("gone"))) == ("is no word", "gone")
