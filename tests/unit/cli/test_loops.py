"""The signals that end a command."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from proxy.cli.loops import ENDING, run, signalled, unless


@pytest.mark.parametrize("first", ENDING)
@pytest.mark.parametrize("second", ENDING)
async def test_a_second_signal_ends_the_process_at_once(
    first: signal.Signals, second: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 1, also if it is another one and the event loop does not run."""
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
    """SIGINT does what it does in a new process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_interrupt")
def test_an_interrupt_lets_a_command_clean_up_and_a_second_one_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, with 1; the cleanup is not cut in two."""
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


def test_an_interrupt_that_is_ignored_goes_on_to_be(default_interrupt: None) -> None:
    """As in a command that a shell has put into the background."""
    del default_interrupt
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def command() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        return "done"

    assert run(command()) == "done"


async def test_what_hangs_is_given_up_when_it_is_time_to_stop() -> None:
    """It has cleaned up by then."""
    stopping, begun, cleaned = asyncio.Event(), asyncio.Event(), list[str]()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("all")

    told = asyncio.ensure_future(unless(stopping, hang()))
    await begun.wait()
    stopping.set()
    assert (await told, cleaned) == (False, ["all"])


async def test_what_is_done_before_the_stop_is_done_and_what_fails_fails() -> None:
    """Each as if it were awaited alone."""

    async def fail() -> None:
        raise OSError("taken")

    assert await unless(asyncio.Event(), asyncio.sleep(0))
    with pytest.raises(OSError, match="taken"):
        await unless(asyncio.Event(), fail())
