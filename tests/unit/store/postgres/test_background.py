"""Tasks for which nobody has to wait."""

import asyncio
import gc
from typing import Any

import pytest

from proxy.store.postgres.background import BackgroundTasks


async def test_the_end_of_all_is_awaited() -> None:
    """Each has run to its end then."""
    tasks, done = BackgroundTasks(), []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    for number in range(3):
        tasks.start(work(number))
    await tasks.ended()
    await tasks.ended()
    assert sorted(done) == [0, 1, 2]


async def test_an_error_is_for_whoever_waits_and_else_for_nobody() -> None:
    """The event loop does not report it."""
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    tasks = BackgroundTasks()

    async def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await tasks.start(fail())
    tasks.start(fail())
    await tasks.ended()
    gc.collect()
    assert reported == []


async def test_one_that_was_cancelled_has_ended() -> None:
    """Nothing waits for it."""
    tasks = BackgroundTasks()
    tasks.start(asyncio.Event().wait()).cancel()
    await tasks.ended()
