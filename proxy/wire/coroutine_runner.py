"""Runs the coroutine of an exchange without a task: it goes on inside the very call that brings what it waits for.

A task costs an exchange two turns of the event loop and its own bookkeeping, 5 µs of 30 for a small message. Here the
coroutine waits for the bell (`await rung()`): whoever changes something that it may wait for calls `wake`, and it looks
again. It may wait for asyncio futures too. It must not use what needs a current task (`asyncio.timeout`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Final


class _Woken:
    """Waits for the next ring; what for is for the waiting one to check, in a loop."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield None


_WOKEN: Final = _Woken()


def woken() -> Awaitable[None]:
    """What a coroutine inside a `CoroutineRunner` awaits until `wake` is called."""
    return _WOKEN


class Wakeable(ABC):
    """What rings a coroutine that waits; a class to derive from, because compiled code calls its methods directly."""

    @abstractmethod
    def wake(self) -> None:
        """Let it look again."""
        ...


class _NoWaiter(Wakeable):
    """There is nobody to hear it."""

    def wake(self) -> None:
        """In vain."""


NO_WAITER: Final = _NoWaiter()


class CoroutineRunner:
    """One coroutine on its way; `ended` is called with its exception, or None, when it is over."""

    __slots__ = ("_coroutine", "_ended", "_waiting")

    def __init__(self, coroutine: Coroutine[Any, None, None], ended: Callable[[BaseException | None], None]) -> None:
        self._coroutine = coroutine
        self._ended = ended
        self._waiting = False

    def start(self) -> None:
        """Go up to the first wait, or to the end."""
        self._go_on()

    def wake(self) -> None:
        """Let it look again, if it waits for the bell; else it will look before it waits."""
        if self._waiting:
            self._waiting = False
            self._go_on()

    def _go_on(self, _future: object = None) -> None:
        try:
            awaited = self._coroutine.send(None)
        except StopIteration:
            self._ended(None)
        except BaseException as error:  # noqa: BLE001 - whoever started the run decides what to do about it
            self._ended(error)
        else:
            if awaited is None:
                self._waiting = True
            else:
                self._wait_for(awaited)

    def _wait_for(self, future: "asyncio.Future[Any]") -> None:
        """Go on when the future is done, as asyncio's own tasks do (the flag is the protocol between the two)."""
        future._asyncio_future_blocking = False  # noqa: SLF001
        future.add_done_callback(self._go_on)
