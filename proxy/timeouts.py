"""Timeouts for tasks that strike late on purpose, after the event loop has read.

After the process was suspended (SIGSTOP, a frozen container), due timers run before the event loop reads what arrived
meanwhile. `asyncio.timeout` would end an operation whose result is there already. Connections of our own have
deadlines instead, see wire/deadlines.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

GRACE = 0.25
"Seconds for the event loop to read what is there."


class LateCall:
    """Calls back after the given seconds on the running event loop, plus GRACE."""

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
    """Like `asyncio.timeout`, but raises TimeoutError only after the event loop has read.

    It works inside the cleanup of a cancelled task too, where that of Python before 3.11.3 raises CancelledError.
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
        if struck and task.cancelling() - 1 <= before:  # nothing else has cancelled it meanwhile
            raise TimeoutError from error
        raise
    finally:
        call.cancel()
        if struck:
            task.uncancel()
