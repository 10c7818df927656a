"""The signals that end a command."""

import asyncio
import os
import signal

import pytest

from proxy.cli.loops import ENDING, signalled


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
