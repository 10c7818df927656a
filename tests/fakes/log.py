"""A log that tests read."""

import asyncio
import json
from typing import Any

from proxy.observe.line_writer import LineWriter
from tests.fakes.upstream import PATIENCE


class LogLines(LineWriter):
    """Kept, not written."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.text: list[str] = []
        self._read: list[dict[str, Any]] = []
        "Of `text`, as far as somebody has asked."
        self._changed = asyncio.Event()

    def write(self, line: str) -> None:
        self.text.append(line)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def named(self, event: str) -> list[dict[str, Any]]:
        """Each has to be JSON."""
        self._read += map(json.loads, self.text[len(self._read) :])
        return [line.copy() for line in self._read if line["event"] == event]

    async def reach(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE):
            while len(found := self.named(event)) < count:
                await self._changed.wait()
        return found
