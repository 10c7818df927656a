"""Pauses between looks at files, ended by hand."""

import asyncio


class Looks:
    """It looks when it is told to."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self._due, self._done = asyncio.Event(), asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._done.set()
        await self._due.wait()
        self._due.clear()

    async def first(self) -> None:
        await self._done.wait()

    async def another(self) -> None:
        """And wait for it."""
        self._done.clear()
        self._due.set()
        await self._done.wait()
