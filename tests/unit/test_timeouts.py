"""Timeouts that let the event loop read before they strike."""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from typing import Any

import pytest

from proxy.timeouts import GRACE, LateCall, timeout
from proxy.wire.coroutine_runner import CoroutineRunner
from tests.cases import cases
from tests.fakes.loop import LeapingLoop, leaping
from tests.fakes.timeouts import count_all_cancellations


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """On an event loop that can stand still."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(coroutine)


async def come_over(ours: socket.socket, turns: int) -> None:
    """Wait for an octet, then for some turns of the event loop, as what has several layers does."""
    await asyncio.get_running_loop().sock_recv(ours, 1)
    for _ in range(turns):
        await asyncio.sleep(0)


@cases("turns", 0, 5)
def test_what_came_while_the_process_stood_still_is_in_time(turns: int) -> None:
    """Though its time is over when it is read."""

    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        with ours, theirs:
            async with timeout(10):
                waiting = asyncio.ensure_future(come_over(ours, turns))
                await asyncio.sleep(0)
                theirs.send(b"x")
                leaping().leap(100)
                await waiting

    run(scenario())


def test_what_does_not_come_is_a_timeout() -> None:
    """Once the event loop has read."""

    async def scenario() -> None:
        waiting = asyncio.ensure_future(wait())
        for seconds in (0, 9, 1, GRACE / 2):
            leaping().leap(seconds)
            await asyncio.sleep(0)
            assert not waiting.done()
        leaping().leap(GRACE)
        with pytest.raises(TimeoutError):
            await waiting

    async def wait() -> None:
        async with timeout(10):
            await asyncio.Event().wait()

    run(scenario())


def test_what_is_over_in_time_is_not_struck_later() -> None:
    """Neither by its result nor by its own failure."""

    async def scenario() -> None:
        with contextlib.suppress(LookupError):
            async with timeout(1):
                raise LookupError
        async with timeout(1):
            pass
        for seconds in (1, GRACE):
            leaping().leap(seconds)
            await asyncio.sleep(0)

    run(scenario())


def test_a_timeout_within_the_cleanup_of_a_cancelled_task_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also before Python 3.11.3."""
    count_all_cancellations(monkeypatch)
    cleaned: list[str] = []

    async def clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(TimeoutError):
                async with timeout(1):
                    await asyncio.Event().wait()
            cleaned.append("all")

    async def scenario() -> None:
        cleaning = asyncio.ensure_future(clean_up())
        await asyncio.sleep(0)
        cleaning.cancel()
        for seconds in (0, 1, GRACE):
            await asyncio.sleep(0)
            leaping().leap(seconds)
        await asyncio.wait([cleaning])
        assert cleaned == ["all"]
        assert cleaning.cancelled()

    run(scenario())


def test_a_task_that_is_cancelled_when_its_time_is_over_is_cancelled() -> None:
    """Whoever cancels it comes first."""

    async def wait() -> None:
        async with timeout(1):
            await asyncio.Event().wait()

    async def scenario() -> None:
        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        leaping().leap(1)
        await asyncio.sleep(0)
        leaping().leap(GRACE)
        asyncio.get_running_loop().call_soon(waiting.cancel)
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    run(scenario())


def test_a_timeout_needs_a_task() -> None:
    """An exchange has none."""

    async def wait() -> None:
        async with timeout(1):
            pass

    async def scenario() -> None:
        failed: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(CoroutineRunner(wait(), failed.set_result).start)
        assert isinstance(await failed, RuntimeError)

    run(scenario())


def test_a_late_call_can_be_cancelled_until_it_comes() -> None:
    """Also when its time is over."""

    async def scenario() -> None:
        called: list[str] = []
        early = LateCall(1, lambda: called.append("early"))
        late = LateCall(1, lambda: called.append("late"))
        LateCall(1, lambda: called.append("made"))
        early.cancel()
        for step in (1, GRACE):
            leaping().leap(step)
            for _ in range(2):
                await asyncio.sleep(0)
            late.cancel()
        assert called == ["made"]

    run(scenario())
