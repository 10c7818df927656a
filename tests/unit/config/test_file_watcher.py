"""Files are read when their watcher is made, and again when they change."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.files import FileTooLarge
from tests.cases import cases
from tests.fakes.looks import Looks


class Watched:
    """A watcher of a file with one word in it, and what it reported."""

    def __init__(self, file: Path, *, threads: FileThreads | None = None) -> None:
        self.file, self.looks = file, Looks()
        self.words, self.faults, self.reads = list[str](), list[Exception](), 0
        self.watcher = FileWatcher((file,), read=self._read, sleep=self.looks.sleep, threads=threads)

    def start(self, changed: Callable[[str], None] | None = None) -> None:
        self.watcher.start(changed=changed or self.words.append, rejected=self.faults.append)

    def _read(self) -> str:
        self.reads += 1
        text = self.file.read_text()
        if not text.isalpha():
            raise ValueError("is not a word")
        return text


@asynccontextmanager
async def watching(file: Path, *, threads: FileThreads | None = None) -> AsyncIterator[Watched]:
    """Watch the file; the first look is over."""
    watched = await asyncio.to_thread(Watched, file, threads=threads)
    watched.start()
    await watched.looks.first()
    yield watched
    await watched.watcher.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with the word `one`."""
    path = tmp_path / "word"
    path.write_text("one")
    return path


def hang(file: Path) -> None:
    """Replace the file by one that never answers."""
    file.unlink()
    os.mkfifo(file)


def release(pipe: Path) -> None:
    """Let what hangs at the pipe read nothing, and end."""
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))


async def test_the_first_value_is_there_at_once_and_each_new_one_is_reported_once(file: Path) -> None:
    """Looks are five seconds apart."""
    async with watching(file) as watched:
        assert watched.watcher.value == "one"
        await watched.looks.another()
        file.write_text("two")
        await watched.looks.another()
        await watched.looks.another()
        assert watched.watcher.value == "two"
    assert (watched.words, watched.faults, set(watched.looks.pauses)) == (["two"], [], {5.0})


async def test_what_was_written_between_construction_and_start_is_reported(file: Path) -> None:
    """The first look comes at the start."""
    watched = await asyncio.to_thread(Watched, file)
    file.write_text("two")
    watched.start()
    watched.start()
    await watched.looks.first()
    await watched.watcher.close()
    await watched.watcher.close()
    assert watched.words == ["two"]


def test_construction_raises_what_reading_raises(tmp_path: Path) -> None:
    """A missing file is an OSError, an invalid one a ValueError."""
    with pytest.raises(FileNotFoundError):
        Watched(tmp_path / "none")
    (tmp_path / "wrong").write_text("!")
    with pytest.raises(ValueError, match="is not a word"):
        Watched(tmp_path / "wrong")


async def test_a_file_that_could_not_be_read_at_construction_is_read_by_the_first_look(tmp_path: Path) -> None:
    """It matters if reading the value does not need the file."""
    found = list[str]()
    looks, file = Looks(), tmp_path / "late"
    watcher = await asyncio.to_thread(FileWatcher, (file,), read=lambda: "value", sleep=looks.sleep)
    await asyncio.to_thread(file.write_text, "x")
    watcher.start(changed=found.append, rejected=lambda _: None)
    await looks.first()
    await watcher.close()
    assert found == ["value"]


async def test_the_same_content_is_not_read_again(file: Path) -> None:
    """Nor with a new modification time or another line end."""
    async with watching(file) as watched:
        file.write_text("one\n")
        await watched.looks.another()
        os.utime(file, (1, 1))
        await watched.looks.another()
    assert (watched.reads, watched.words) == (1, [])


async def test_a_fault_is_reported_once_for_each_cause(file: Path) -> None:
    """The value before stays."""
    async with watching(file) as watched:
        for text in ("!", "!", "?"):
            file.write_text(text)
            await watched.looks.another()
        file.unlink()
        await watched.looks.another()
        await watched.looks.another()
        assert watched.watcher.value == "one"
        file.write_text("three")
        await watched.looks.another()
    assert watched.words == ["three"]
    assert list(map(type, watched.faults)) == [ValueError, ValueError, FileNotFoundError]


async def test_a_fault_that_comes_back_is_reported_again(file: Path) -> None:
    """After a valid look."""
    async with watching(file) as watched:
        for text in ("!", "one", "!"):
            file.write_text(text)
            await watched.looks.another()
    assert (watched.words, len(watched.faults)) == ([], 2)


async def test_a_value_that_is_refused_does_not_become_the_value(file: Path) -> None:
    """`changed` may raise ValueError."""
    watched = await asyncio.to_thread(Watched, file)

    def refuse(_: str) -> None:
        raise ValueError("not this one")

    watched.start(refuse)
    file.write_text("two")
    await watched.looks.first()
    await watched.looks.another()
    await watched.watcher.close()
    assert (watched.watcher.value, list(map(str, watched.faults))) == ("one", ["not this one"])


async def test_a_file_that_hangs_is_reported_once_and_read_when_it_answers(file: Path) -> None:
    """A file that takes its place is read too."""
    async with watching(file, threads=FileThreads(limit=0.05)) as watched:
        hang(file)
        for _ in range(3):
            await watched.looks.another()
        pipe = file.rename(file.with_name("pipe"))
        file.write_text("two")
        await watched.looks.another()
    release(pipe)
    assert watched.words == ["two"]
    (fault,) = watched.faults
    assert isinstance(fault, FileHangs)
    assert str(fault) == f"the file {file} did not answer within 0.05 s"


async def test_a_watcher_whose_file_hangs_can_be_closed(file: Path) -> None:
    """Closing does not wait for the file."""
    watched = await asyncio.to_thread(Watched, file)
    hang(file)
    watched.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await watched.watcher.close()
    release(file)


async def test_a_file_above_1_mib_is_rejected_unread(file: Path) -> None:
    """Only the limit of 1 MiB is read of it."""
    async with watching(file) as watched:
        with file.open("ab") as large:
            large.truncate(1 << 40)
        await watched.looks.another()
    assert (watched.reads, list(map(type, watched.faults))) == (1, [FileTooLarge])


@cases("at", "read", "changed")
async def test_no_error_of_a_library_ends_the_watching(file: Path, at: str) -> None:
    """The next content is read."""
    looks, words, faults = Looks(), list[str](), list[Exception]()

    def refuse_odd(step: str, text: str) -> None:
        if (at, text) == (step, "odd"):
            raise LookupError("s3cr3t")

    def read() -> str:
        text = file.read_text()
        refuse_odd("read", text)
        return text

    def change(text: str) -> None:
        refuse_odd("changed", text)
        words.append(text)

    watcher = await asyncio.to_thread(FileWatcher, (file,), read=read, sleep=looks.sleep)
    watcher.start(changed=change, rejected=faults.append)
    await looks.first()
    for text in ("odd", "two"):
        file.write_text(text)
        await looks.another()
    await watcher.close()
    assert words == ["two"]
    assert [reason_of(each) for each in faults] == ["LookupError"]


def test_only_of_expected_errors_the_text_is_shown() -> None:
    """It is our own, or the system's."""
    assert reason_of(ValueError("is not a word")) == "is not a word"
    assert reason_of(OSError("gone")) == "gone"
