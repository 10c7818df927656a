"""Lines on their way out, with readers that read, do not read, and have gone."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from proxy.observe import lines
from proxy.observe.lines import LineWriter


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


async def test_a_reader_that_does_not_read_costs_lines_and_says_how_many(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing never waits; when the reader reads again it is told what it missed."""
    monkeypatch.setattr(lines, "MOST_WAITING", 100_000)
    writer = LineWriter(pipe[1])
    writer.attach(asyncio.get_running_loop())
    for _ in range(5):
        writer.write("x" * 50_000)
        writer._hand_over()
    reading = asyncio.create_task(asyncio.to_thread(read_all, pipe[0]))
    writer.write("last")
    await asyncio.to_thread(writer.close)
    os.close(pipe[1])
    text = (await reading).splitlines()
    assert text[-2:] == ['{"event":"log.dropped","lines":4}', "last"]
    assert len(text) == 3


async def test_a_reader_that_has_gone_stops_nothing(pipe: tuple[int, int]) -> None:
    """A closed pipe is no error for the one who writes, and closing ends in good order."""
    writer = LineWriter(pipe[1])
    writer.attach(asyncio.get_running_loop())
    os.close(pipe[0])
    writer.write("nobody")
    await asyncio.to_thread(writer.close)
    await asyncio.to_thread(writer.write, "after the end")
    assert writer._thread is None


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
