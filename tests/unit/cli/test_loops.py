"""The signals that end a command."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from proxy.cli.loops import ENDING, run, signalled, unless
from tests.cases import cases


@cases("first", *ENDING)
@cases("second", *ENDING)
async def test_a_second_signal_ends_the_process_at_once(
    first: signal.Signals, second: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 1, even if the event loop does not run."""
    before = {number: signal.getsignal(number) for number in ENDING}
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    try:
        stopping = signalled()
        os.kill(os.getpid(), first)
        async with asyncio.timeout(30):
            await stopping.wait()
        assert ended == []
        os.kill(os.getpid(), second)
        assert ended == [1]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def default_interrupt() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, as in a new process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_interrupt")
def test_an_interrupt_lets_a_command_clean_up_and_a_second_one_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 1; without it, the cleanup runs to its end."""
    ended: list[int] = []
    cleaned: list[str] = []
    monkeypatch.setattr(os, "_exit", ended.append)

    async def command() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            assert ended == [1]
            await asyncio.sleep(0)
            cleaned.append("all")

    with pytest.raises(KeyboardInterrupt):
        run(command())
    assert cleaned == ["all"]


def test_an_ignored_interrupt_stays_ignored(default_interrupt: None) -> None:
    """As in a shell's background."""
    del default_interrupt
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def command() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        return "done"

    assert run(command()) == "done"


async def test_work_is_cancelled_when_the_command_stops() -> None:
    """`unless` returns False."""
    stopping, begun, cleaned = asyncio.Event(), asyncio.Event(), list[str]()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("all")

    completed = asyncio.ensure_future(unless(stopping, hang()))
    await begun.wait()
    stopping.set()
    assert not await completed
    assert cleaned == ["all"]


async def test_work_that_ends_before_the_stop_returns_or_raises() -> None:
    """So does `unless`, or with True."""

    async def fail() -> None:
        raise OSError("taken")

    assert await unless(asyncio.Event(), asyncio.sleep(0))
    with pytest.raises(OSError, match="taken"):
        await unless(asyncio.Event(), fail())
