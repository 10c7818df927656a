"""Counts by name that somebody can wait for; tests and users watch the sandbox with them instead of sleeping."""

import asyncio
from collections import Counter


class Tally:
    """How often each thing happened."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def add(self, name: str) -> None:
        """It happened once more."""
        self._counts[name] += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def reach(self, name: str, count: int) -> None:
        """Wait until it has happened `count` times."""
        while self._counts[name] < count:
            await self._changed.wait()

    def clear(self) -> None:
        """Begin at zero again."""
        self._counts.clear()

    def as_dict(self) -> dict[str, int]:
        """All counts, by name."""
        return dict(sorted(self._counts.items()))
