"""A terminal for a command."""

import asyncio
import os
import re

from tests.system.command import PATIENCE


class Terminal:
    """The other end of a command's terminal."""

    def __init__(self, descriptor: int) -> None:
        self.shown = ""
        self._descriptor = descriptor
        self._awaited = 0
        "How much of it came before what is awaited next."

    async def shows(self, pattern: str) -> re.Match[str]:
        """Waits for what matches, behind what was awaited before."""
        async with asyncio.timeout(PATIENCE):
            while not (found := re.compile(pattern).search(self.shown, self._awaited)):
                piece = await asyncio.to_thread(self._read)
                assert piece, f"{pattern} was not shown:\n{self.shown}"
        self._awaited = found.end()
        return found

    async def type(self, question: str, answer: str) -> None:
        """Waits for the question, and types the answer."""
        await self.shows(re.escape(question))
        os.write(self._descriptor, f"{answer}\n".encode())

    async def end(self) -> None:
        """Reads what is left."""
        while await asyncio.to_thread(self._read):
            pass
        os.close(self._descriptor)

    def _read(self) -> str:
        try:
            piece = os.read(self._descriptor, 65536).decode(errors="replace")
        except OSError:  # on Linux, once the other side is closed
            return ""
        self.shown += piece
        return piece
