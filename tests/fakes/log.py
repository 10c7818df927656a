"""A log that can be read, and waited for."""

import asyncio
import json
from typing import Any

from proxy.observe.line_writer import LineWriter
from tests.fakes.upstream import PATIENCE


class LogLines(LineWriter):
    """Keeps the lines in place of writing them."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.text: list[str] = []
        self._changed = asyncio.Event()

    def write(self, line: str) -> None:
        """Keep a line."""
        self.text.append(line)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def named(self, event: str) -> list[dict[str, Any]]:
        """Return all lines of this event; each line has to be JSON."""
        return [line for line in map(json.loads, self.text) if line["event"] == event]

    async def reach(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until there are so many lines of this event."""
        async with asyncio.timeout(PATIENCE):
            while len(found := self.named(event)) < count:
                await self._changed.wait()
        return found
