"""Runs a delivery from an outbox, which waits for answers although no sender does."""

from collections.abc import Callable, Coroutine
from typing import Any

from proxy.forwarding.request import Recipient
from proxy.wire.coroutine_runner import CoroutineRunner


class DetachedRun(Recipient):
    """The recipient of an answer, with the coroutine that waits for it; `ended` gets its exception, or None.

    Compiled, because an interpreted class cannot derive from a compiled one.
    """

    def __init__(self, ended: Callable[[BaseException | None], None]) -> None:
        self.left = False
        self.half_closed = False
        self._ended = ended
        self._run: CoroutineRunner | None = None

    def start(self, coroutine: Coroutine[Any, None, None]) -> None:
        """Runs up to the first wait, or to the end."""
        self._run = CoroutineRunner(coroutine, self._ended)
        self._run.start()

    def wake(self) -> None:
        """Continues."""
        if self._run is not None:
            self._run.wake()
