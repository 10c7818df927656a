"""Timeouts of what runs in a task, and calls that come late on purpose: the event loop reads before they strike.

After the process stood still (SIGSTOP, a frozen container), timers that are due run before anything that came meanwhile
is read. `asyncio.timeout` would end an operation whose result is there already. What has a connection of ours has a
deadline instead, see wire/deadlines.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

GRACE = 0.25
"Seconds in which the event loop reads what is there."


class LateCall:
    """Calls back after so many seconds of the running event loop, and GRACE."""

    def __init__(self, seconds: float, callback: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._callback = callback
        self._handle = self._loop.call_later(seconds, self._due)

    def _due(self) -> None:
        self._handle = self._loop.call_later(GRACE, self._callback)

    def cancel(self) -> None:
        """Cancel the call."""
        self._handle.cancel()


@asynccontextmanager
async def timeout(seconds: float) -> AsyncIterator[None]:
    """Like `asyncio.timeout`: TimeoutError if what is inside takes longer, but only once the event loop has read.

    Inside the cleanup of a cancelled task too, where that of Python before 3.11.3 raises CancelledError.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a timeout needs a task")
    before, struck = task.cancelling(), False

    def strike() -> None:
        nonlocal struck
        struck = task.cancel()

    call = LateCall(seconds, strike)
    try:
        yield
    except asyncio.CancelledError as error:
        if struck and task.cancelling() - 1 <= before:  # nobody else has cancelled it meanwhile
            raise TimeoutError from error
        raise
    finally:
        call.cancel()
        if struck:
            task.uncancel()
