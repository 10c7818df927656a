"""Lines on their way out, with readers that read, do not read, and have gone."""

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from typing import cast

import pytest

from proxy.observe import line_writer as lines
from proxy.observe.line_writer import LineWriter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """(reading end, writing end)."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:  # a test has closed it
            continue


def read_all(descriptor: int) -> str:
    """All that has been written, once the writing end is closed."""
    with os.fdopen(descriptor, closefd=False) as reader:
        return reader.read()


def write_all(writer: LineWriter, texts: list[str]) -> None:
    """One after the other."""
    for each in texts:
        writer.write(each)


def test_before_a_loop_runs_lines_are_written_at_once(pipe: tuple[int, int]) -> None:
    """What goes wrong at the start is seen."""
    writer = LineWriter(pipe[1])
    writer.write("one")
    assert os.read(pipe[0], 100) == b"one\n"
    writer.close()


async def test_lines_are_written_in_order_and_none_is_lost_at_the_end(pipe: tuple[int, int]) -> None:
    """What waits is written when the writer is closed."""
    writer = LineWriter(pipe[1])
    writer.attach(asyncio.get_running_loop())
    expected = [f"line {number}" for number in range(500)]
    for line in expected:
        writer.write(line)
    await asyncio.to_thread(writer.close)
    os.close(pipe[1])
    assert (await asyncio.to_thread(read_all, pipe[0])).splitlines() == expected


async def test_lines_come_without_waiting_for_the_end(pipe: tuple[int, int]) -> None:
    """A reader sees them while the process runs."""
    writer = LineWriter(pipe[1])
    writer.attach(asyncio.get_running_loop())
    writer.write("now")
    assert await asyncio.to_thread(os.read, pipe[0], 100) == b"now\n"
    await asyncio.to_thread(writer.close)


def dropped(text: str) -> list[int]:
    """The numbers of lost lines that were told, in order."""
    return [int(line.removeprefix("log.dropped count=")) for line in text.splitlines() if line.startswith("log.")]


async def test_a_reader_that_does_not_read_costs_lines_and_says_how_many(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing never waits; when the reader reads again it is told what it missed, at the place where it is missing."""
    monkeypatch.setattr(lines, "MOST_WAITING", 100_000)
    writer = LineWriter(pipe[1])
    writer.attach(asyncio.get_running_loop())
    for _ in range(5):
        writer.write("x" * 90_000)
        writer._hand_over()
    writer.write("small")
    writer._hand_over()
    reading = asyncio.create_task(asyncio.to_thread(read_all, pipe[0]))
    await asyncio.to_thread(writer.close)
    os.close(pipe[1])
    text = (await reading).splitlines()
    assert text == ["x" * 90_000, "log.dropped count=4", "small"]


async def test_lost_lines_are_told_also_where_no_line_follows(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader does not have to wait for the next line, nor for the end."""
    monkeypatch.setattr(lines, "MOST_WAITING", 100_000)
    writer = LineWriter(pipe[1])
    writer.attach(asyncio.get_running_loop())
    for _ in range(3):
        writer.write("x" * 90_000)
        writer._hand_over()
    expected = b"x" * 90_000 + b"\nlog.dropped count=2\n"
    try:
        async with asyncio.timeout(30):
            assert await asyncio.to_thread(read_exactly, pipe[0], len(expected)) == expected
    finally:
        await asyncio.to_thread(writer.close)
        os.close(pipe[1])


def read_exactly(descriptor: int, count: int) -> bytes:
    """So many octets, or fewer at the end."""
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as reader:
        octets = b""
        while len(octets) < count and (piece := reader.read(count - len(octets))):
            octets += piece
        return octets


@pytest.mark.parametrize("attached", [True, False])
async def test_a_pipe_that_is_non_blocking_loses_and_cuts_nothing(pipe: tuple[int, int], *, attached: bool) -> None:
    """A full one is waited for; each line arrives as it was written."""
    os.set_blocking(pipe[1], False)
    writer = LineWriter(pipe[1])
    expected = [f"line {number} {'x' * 997}" for number in range(500)]
    reading = asyncio.create_task(asyncio.to_thread(read_all, pipe[0]))
    if attached:
        writer.attach(asyncio.get_running_loop())
        for line in expected:
            writer.write(line)
    else:
        await asyncio.to_thread(write_all, writer, expected)
    await asyncio.to_thread(writer.close)
    os.close(pipe[1])
    assert (await reading).splitlines() == expected


@pytest.mark.parametrize("attached", [True, False])
async def test_lines_that_could_not_be_written_are_told_of_when_they_can_again(
    pipe: tuple[int, int], *, attached: bool
) -> None:
    """A reader that has gone, or a full disk, stops nothing; the next reader learns how many lines are missing."""
    gone, here = os.pipe()
    os.close(gone)
    writer = LineWriter(here)
    if attached:
        writer.attach(asyncio.get_running_loop())
        for line in ("one", "two"):
            writer.write(line)
            writer._hand_over()
        await asyncio.to_thread(writer._queue.put, None)  # the thread ends when it has seen the lines
        await asyncio.to_thread(cast("threading.Thread", writer._thread).join, 30.0)
        writer.attach(asyncio.get_running_loop())
    else:
        await asyncio.to_thread(write_all, writer, ["one", "two"])
    os.dup2(pipe[1], here)
    if attached:
        writer.write("three")
    else:
        await asyncio.to_thread(writer.write, "three")
    await asyncio.to_thread(writer.close)
    os.close(here)
    os.close(pipe[1])
    text = await asyncio.to_thread(read_all, pipe[0])
    assert (dropped(text), text.splitlines()[-1]) == ([2], "three")


def test_a_line_that_was_cut_is_ended_before_the_next(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle of a line does not glue two lines together."""
    write, script = os.write, [3, 0, 0, 0]

    def write_some(descriptor: int, octets: memoryview) -> int:
        count = script.pop(0) if script else 100
        if not count:
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, octets[:count])

    writer = LineWriter(pipe[1])
    monkeypatch.setattr(os, "write", write_some)
    writer.write("first")
    writer.write("second")
    writer.write("third")
    os.close(pipe[1])
    assert read_all(pipe[0]).splitlines() == ["fir", "log.dropped count=2", "third"]


def test_the_end_does_not_wait_for_ever_for_a_reader(pipe: tuple[int, int]) -> None:
    """A full pipe that nobody reads holds nobody up; what waits is still written when somebody does."""
    loop = asyncio.new_event_loop()
    writer = LineWriter(pipe[1])
    writer.attach(loop)
    thread = writer._thread
    assert thread is not None
    writer.write("x" * 300_000)
    writer.close(patience=0.0)
    loop.close()
    assert thread.is_alive()
    read = 0
    while read < 300_001:
        read += len(os.read(pipe[0], 1 << 16))
    thread.join(30.0)
    assert not thread.is_alive()


def test_after_the_end_nobody_waits_for_a_reader_that_does_not_read(pipe: tuple[int, int]) -> None:
    """A line that comes later is dropped as long as the last ones are not written, and written after them."""
    loop = asyncio.new_event_loop()
    writer = LineWriter(pipe[1])
    writer.attach(loop)
    writer.write("x" * 300_000)
    writer.close(patience=0.0)
    writer.write("dropped")
    assert read_exactly(pipe[0], 300_001) == b"x" * 300_000 + b"\n"
    assert writer._thread is not None
    writer._thread.join(30.0)
    writer.write("after the end")
    loop.close()
    os.close(pipe[1])
    assert read_all(pipe[0]) == "after the end\n"
