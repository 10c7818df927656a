"""Blocking calls in daemon threads."""

import asyncio
import threading
from typing import Any

import pytest

from proxy.threads import DaemonThreads
from tests.fakes.loop import LeapingLoop, leaping

PATIENCE = 30.0


class Hanging:
    """A call that hangs until it is let go."""

    def __init__(self, result: str = "late") -> None:
        self._begun, self.go, self._result = threading.Event(), threading.Event(), result

    def __call__(self) -> str:
        """Hang, then return."""
        self._begun.set()
        assert self.go.wait(PATIENCE)
        return self._result

    async def begun(self) -> None:
        """Wait until it has been called."""
        assert await asyncio.to_thread(self._begun.wait, PATIENCE)


async def test_a_result_and_an_error_come_back() -> None:
    """No end of the process waits for the thread."""
    threads = DaemonThreads("t", most=1)

    def fail() -> None:
        raise ValueError("no")

    assert await threads.submit(lambda: threading.current_thread().daemon)
    with pytest.raises(ValueError, match="no"):
        await threads.submit(fail)


def test_a_call_that_returned_while_the_process_stood_still_is_in_time() -> None:
    """Its result is taken before its time is over."""

    async def scenario() -> None:
        threads, call = DaemonThreads("t", most=1), Hanging("there")
        pending = threads.submit(call, timeout=10)
        await call.begun()
        leaping().leap(100)
        for _ in range(5):
            await asyncio.sleep(0)
        call.go.set()
        assert await pending == "there"

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())


async def test_calls_beyond_the_threads_wait_in_order() -> None:
    """One that nobody waits for any more is never made."""
    threads, first, order = DaemonThreads("t", most=1), Hanging(), list[int]()
    hanging = threads.submit(first)
    await first.begun()
    waiting = [threads.submit(lambda number=number: order.append(number)) for number in range(3)]  # type: ignore[misc]
    assert repr(threads) == "<DaemonThreads t: 1 of 1 threads, 3 calls waiting>"
    waiting[1].cancel()
    first.go.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(hanging, waiting[0], waiting[2])
    assert order == [0, 2]


async def test_calls_that_were_given_up_are_not_kept() -> None:
    """However long the threads hang."""
    threads, first = DaemonThreads("t", most=1), Hanging()
    hanging = threads.submit(first)
    await first.begun()
    for _ in range(3):
        threads.submit(int).cancel()
    assert "1 calls waiting" in repr(threads)
    first.go.set()
    assert await hanging == "late"


async def test_a_call_that_takes_too_long_is_told_so_and_its_late_result_is_closed() -> None:
    """Another call of the same threads goes on meanwhile."""
    threads, slow, closed = DaemonThreads("t", most=2), Hanging(), asyncio.Queue[str]()
    given_up = threads.submit(slow, timeout=0.01, late=closed.put_nowait)
    await slow.begun()
    with pytest.raises(TimeoutError) as caught:
        await given_up
    assert caught.value.errno is None
    assert await threads.submit(lambda: "in time", timeout=PATIENCE) == "in time"
    slow.go.set()
    async with asyncio.timeout(PATIENCE):
        assert await closed.get() == "late"


async def test_what_fails_after_it_was_given_up_is_dropped() -> None:
    """Nobody is there to be told."""
    threads, slow = DaemonThreads("t", most=1), Hanging()

    def fail() -> None:
        slow()
        raise ValueError("too late")

    given_up = threads.submit(fail)
    await slow.begun()
    given_up.cancel()
    slow.go.set()
    assert await threads.submit(lambda: "next") == "next"
    assert given_up.cancelled()


async def test_an_idle_thread_is_used_again() -> None:
    """While it has not been idle for too long."""
    threads = DaemonThreads("t", most=2, idle=PATIENCE)
    first = await threads.submit(threading.get_ident)
    while not threads._idle:  # noqa: ASYNC110 - a thread tells nobody that it waits
        await asyncio.sleep(0)
    assert await threads.submit(threading.get_ident) == first


async def test_without_a_thread_a_call_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left waiting."""
    threads = DaemonThreads("t", most=1)

    def none(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        with pytest.raises(OSError, match="no thread can be started"):
            await threads.submit(int)
    assert repr(threads) == "<DaemonThreads t: 0 of 1 threads, 0 calls waiting>"


def test_a_result_that_finds_its_loop_closed_is_dropped() -> None:
    """The process is ending."""
    threads, slow = DaemonThreads("late", most=1), Hanging()

    async def leave() -> None:
        threads.submit(slow)
        await slow.begun()

    asyncio.run(leave())
    (left,) = [each for each in threading.enumerate() if each.name == "late"]
    slow.go.set()
    left.join(PATIENCE)
    assert repr(threads) == "<DaemonThreads late: 0 of 1 threads, 0 calls waiting>"
