"""A store of an outbox that fails on request."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from proxy.errors import OutboxUnavailable
from proxy.outbox.store import OutboxStore


class FailingStore:
    """A real store otherwise."""

    tells_outages = False

    def __init__(self, store: OutboxStore) -> None:
        self._store = store
        self.failures: dict[str, list[Exception]] = {}
        "The errors of the next calls, by method."
        self.calls: Counter[str] = Counter()

    def fail(self, method: str, *errors: Exception) -> None:
        """The next calls of a method, by default one."""
        failures = errors or (OutboxUnavailable("The disk fails.", retry_after=1),)
        self.failures.setdefault(method, []).extend(failures)

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        async def call(*given: Any, **named: Any) -> Any:
            self.calls[method] += 1
            if self.failures.get(method):
                raise self.failures[method].pop(0)
            return await getattr(self._store, method)(*given, **named)

        return call
