"""The pauses of whatever looks at files again and again, ended by hand."""

import asyncio


class Looks:
    """Lets it look once each time it is told to."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self._due, self._done = asyncio.Event(), asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._done.set()
        await self._due.wait()
        self._due.clear()

    async def first(self) -> None:
        """Wait until the first look is done."""
        await self._done.wait()

    async def another(self) -> None:
        """Let it look again, and wait until it has."""
        self._done.clear()
        self._due.set()
        await self._done.wait()
