"""Readers that read, do not, and have gone."""

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple, cast

import pytest

from proxy.observe import line_writer
from proxy.observe.line_writer import LineWriter
from tests.cases import cases


class Pipe(NamedTuple):
    """Both ends."""

    reading: int
    writing: int

    def read(self) -> str:
        """Without its writing end."""
        os.close(self.writing)
        with os.fdopen(self.reading, closefd=False) as reader:
            return reader.read()

    def read_bytes(self, count: int) -> bytes:
        found = b""
        while len(found) < count and (piece := os.read(self.reading, count - len(found))):
            found += piece
        return found


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe."""
    ends = Pipe(*os.pipe())
    yield ends
    for end in ends:
        with suppress(OSError):  # a test has closed it
            os.close(end)


def write_all(writer: LineWriter, lines: list[str]) -> None:
    """Write these lines."""
    for each in lines:
        writer.write(each)


def attached(pipe: Pipe) -> LineWriter:
    """With its thread."""
    writer = LineWriter(pipe.writing)
    writer.attach(asyncio.get_running_loop())
    return writer


def thread_of(writer: LineWriter) -> threading.Thread:
    """The thread of a writer."""
    return cast("threading.Thread", writer._thread)


def test_without_a_loop_lines_are_written_at_once(pipe: Pipe) -> None:
    """So start-up errors are seen."""
    writer = LineWriter(pipe.writing)
    writer.write("one")
    assert os.read(pipe.reading, 100) == b"one\n"
    writer.close()


async def test_lines_are_written_while_the_process_runs(pipe: Pipe) -> None:
    """Not at its end."""
    writer = attached(pipe)
    writer.write("now")
    assert await asyncio.to_thread(os.read, pipe.reading, 100) == b"now\n"
    await asyncio.to_thread(writer.close)


async def overfull(pipe: Pipe, monkeypatch: pytest.MonkeyPatch, lines: int) -> LineWriter:
    """Nobody reads; there is room for one of these."""
    monkeypatch.setattr(line_writer, "MOST_WAITING", 100_000)
    writer = attached(pipe)
    for _ in range(lines):
        writer.write("x" * 90_000)
        writer._hand_over()
    return writer


async def test_dropped_lines_are_counted_where_they_are_missing(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing does not wait."""
    writer = await overfull(pipe, monkeypatch, 5)
    writer.write("small")
    writer._hand_over()
    expected = b"x" * 90_000 + b"\nlog.dropped count=4\nsmall\n"
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_bytes, len(expected)))
    await asyncio.to_thread(writer.close)
    assert await reading == expected


async def test_dropped_lines_are_reported_even_if_no_line_follows(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even before the end."""
    writer = await overfull(pipe, monkeypatch, 3)
    expected = b"x" * 90_000 + b"\nlog.dropped count=2\n"
    try:
        async with asyncio.timeout(30):
            assert await asyncio.to_thread(pipe.read_bytes, len(expected)) == expected
    finally:
        await asyncio.to_thread(writer.close)


@cases("blocking", True, False)
@cases("with_thread", True, False)
async def test_lines_arrive_whole_and_in_order(pipe: Pipe, *, with_thread: bool, blocking: bool) -> None:
    """If the pipe blocks, too."""
    os.set_blocking(pipe.writing, blocking)
    expected = [f"line {number} {'x' * 997}" for number in range(500)]
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_bytes, sum(len(each) + 1 for each in expected)))
    if with_thread:
        writer = attached(pipe)
        write_all(writer, expected)
    else:
        writer = LineWriter(pipe.writing)
        await asyncio.to_thread(write_all, writer, expected)
    await asyncio.to_thread(writer.close)
    assert (await reading).decode().splitlines() == expected


@cases("with_thread", True, False)
async def test_lines_that_could_not_be_written_are_reported_when_writing_works_again(
    pipe: Pipe, *, with_thread: bool
) -> None:
    """A reader that has gone, or a full disk."""
    gone = Pipe(*os.pipe())
    os.close(gone.reading)
    writer = LineWriter(gone.writing)
    if with_thread:
        writer.attach(asyncio.get_running_loop())
        for line in ("one", "two"):
            writer.write(line)
            writer._hand_over()
        await asyncio.to_thread(writer._queue.put, None)  # the thread ends after these lines
        await asyncio.to_thread(thread_of(writer).join, 30.0)
        writer.attach(asyncio.get_running_loop())
    else:
        await asyncio.to_thread(write_all, writer, ["one", "two"])
    os.dup2(pipe.writing, gone.writing)
    if with_thread:
        writer.write("three")
    else:
        await asyncio.to_thread(writer.write, "three")
    await asyncio.to_thread(writer.close)
    os.close(gone.writing)
    lines = (await asyncio.to_thread(pipe.read)).splitlines()
    assert [line for line in lines if line.startswith("log.")] == ["log.dropped count=2"]
    assert lines[-1] == "three"


def test_a_line_that_was_cut_is_ended_before_the_next(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk."""
    write, script = os.write, [3, 0, 0, 0]

    def write_some(descriptor: int, octets: memoryview) -> int:
        count = script.pop(0) if script else 100
        if not count:
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, octets[:count])

    writer = LineWriter(pipe.writing)
    monkeypatch.setattr(os, "write", write_some)
    write_all(writer, ["first", "second", "third"])
    assert pipe.read().splitlines() == ["fir", "log.dropped count=2", "third"]


def test_closing_does_not_wait_for_a_reader_that_does_not_read(pipe: Pipe) -> None:
    """Later lines are dropped meanwhile."""
    loop = asyncio.new_event_loop()
    writer = LineWriter(pipe.writing)
    writer.attach(loop)
    writer.write("x" * 300_000)
    writer.close(patience=0.0)
    loop.close()
    assert thread_of(writer).is_alive()
    writer.write("dropped")
    assert pipe.read_bytes(300_001) == b"x" * 300_000 + b"\n"
    thread_of(writer).join(30.0)
    assert not thread_of(writer).is_alive()
    writer.write("after the end")
    assert pipe.read() == "after the end\n"
