"""Runs the coroutine of an exchange without a task: it continues inside the call that brings what it waits for.

A task costs an exchange two turns of the event loop and its own bookkeeping, 5 µs of 30 for a small message. Here the
coroutine awaits `woken()`. Code that changes what it may wait for calls `wake`, and the coroutine checks its condition
again. It may await asyncio futures too. It must not use what needs a current task (`asyncio.timeout`), nor
`asyncio.sleep(0)`, which looks like `woken()` from here and would end with the next `wake`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Final


class _Woken:
    """Waits for the next `wake`; the awaiting code checks its condition in a loop."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield None


_WOKEN: Final = _Woken()


def woken() -> Awaitable[None]:
    """Returns what a coroutine inside a `CoroutineRunner` awaits until `wake` is called."""
    return _WOKEN


class Wakeable(ABC):
    """What can be woken. A base class, because compiled code calls its methods directly."""

    @abstractmethod
    def wake(self) -> None:
        """Lets it check its condition again."""
        ...


class _NoWaiter(Wakeable):
    """Nothing waits."""

    def wake(self) -> None:
        """Does nothing."""


NO_WAITER: Final = _NoWaiter()


class CoroutineRunner:
    """One running coroutine; `ended` is called with its exception, or None, at its end."""

    __slots__ = ("_coroutine", "_ended", "_waiting")

    def __init__(self, coroutine: Coroutine[Any, None, None], ended: Callable[[BaseException | None], None]) -> None:
        self._coroutine = coroutine
        self._ended = ended
        self._waiting = False

    def start(self) -> None:
        """Runs up to the first wait, or to the end."""
        self._go_on()

    def wake(self) -> None:
        """Continues the coroutine if it awaits `woken()`; otherwise it checks its condition before it waits."""
        if self._waiting:
            self._waiting = False
            self._go_on()

    def _go_on(self, _future: object = None) -> None:
        try:
            awaited = self._coroutine.send(None)
        except StopIteration:
            self._ended(None)
        except BaseException as error:  # noqa: BLE001 - the caller decides
            self._ended(error)
        else:
            if awaited is None:
                self._waiting = True
            else:
                self._wait_for(awaited)

    def _wait_for(self, future: "asyncio.Future[Any]") -> None:
        """Continues when the future is done, as asyncio's own tasks do (the flag is the protocol between the two)."""
        future._asyncio_future_blocking = False  # noqa: SLF001
        future.add_done_callback(self._go_on)
