"""Tasks that run to their end, also if whoever began them does not wait any more."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from proxy.threads import ignore

T = TypeVar("T")


class BackgroundTasks:
    """Those of one object, which waits for them when it is closed."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Begins a task. Its result may be awaited; an error that nobody sees is not reported."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def ended(self) -> None:
        """Returns when none is running."""
        if self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        ignore(task)
