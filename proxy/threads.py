"""Blocking calls in daemon threads: a call that hangs delays neither other calls nor the end of the process.

`asyncio.to_thread` shares a few threads among all its callers, and the interpreter waits for them when it ends.
"""

import asyncio
import errno
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from proxy.timeouts import LateCall

T = TypeVar("T")


class DaemonThreads:
    """Runs at most `most` calls at a time, in order; an idle thread ends after `idle` seconds."""

    def __init__(self, name: str, *, most: int, idle: float = 0.0) -> None:
        self._name, self._most, self._idle_timeout = name, most, idle
        self._changed = threading.Condition()
        self._calls: deque[tuple[asyncio.Future[Any], Callable[[], None]]] = deque()
        self._threads = self._idle = 0

    def __repr__(self) -> str:
        return (
            f"<DaemonThreads {self._name}: {self._threads} of {self._most} threads, {len(self._calls)} calls waiting>"
        )

    def submit(
        self, call: Callable[[], T], *, timeout: float | None = None, late: Callable[[T], object] | None = None
    ) -> "asyncio.Future[T]":
        """Returns a plain future of the result; OSError if no thread can be started.

        After `timeout` seconds the future fails with a TimeoutError without errno, while the call goes on. A result
        that comes after that, or after the future was cancelled, is given to `late`, which closes it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            if future.done():
                return
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it is raised where the call is awaited
                outcome = partial(_fail, future, error)
            else:
                outcome = partial(_give, future, result, late)
            with suppress(RuntimeError):  # the event loop is closed: the process is ending
                loop.call_soon_threadsafe(outcome)

        self._put(future, run)
        if timeout is not None:
            alarm = LateCall(timeout, partial(_fail, future, TimeoutError("timed out")))
            future.add_done_callback(lambda _: alarm.cancel())
        return future

    def _put(self, future: "asyncio.Future[T]", run: Callable[[], None]) -> None:
        with self._changed:
            while self._calls and self._calls[0][0].done():  # cancelled or timed out
                self._calls.popleft()
            self._calls.append((future, run))
            if self._idle >= len(self._calls):
                self._changed.notify()
            elif self._threads < self._most:
                self._start()

    def _start(self) -> None:
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError as error:
            self._calls.pop()
            raise OSError(errno.EAGAIN, "no thread can be started") from error
        self._threads += 1

    def _work(self) -> None:
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        """Runs one call, and keeps nothing of it; returns false if there was none for too long."""
        with self._changed:
            if not self._calls:
                self._idle += 1
                self._changed.wait(self._idle_timeout)
                self._idle -= 1
            if not self._calls:
                self._threads -= 1
                return False
            _, run = self._calls.popleft()
        run()
        return True


def ignore(future: "asyncio.Future[Any]") -> None:
    """Takes the error of what nobody waits for, because asyncio would report it."""
    if not future.cancelled():
        future.exception()


def _give(future: "asyncio.Future[T]", result: T, late: Callable[[T], object] | None) -> None:
    if not future.done():
        future.set_result(result)
    elif late is not None:
        late(result)


def _fail(future: "asyncio.Future[T]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
