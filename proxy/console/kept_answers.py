"""The last answers to what the console sent, as a whole: small ones in memory, others in files."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

from proxy.console.bodies import SHOWN
from proxy.errors import SpoolUnavailable
from proxy.forwarding.spool import Spool, SpoolFile
from proxy.observe.logger import Logger
from proxy.wire.body import Pieces

KEPT: Final = 8
"Answers."
LARGEST: Final = 256 << 20
"Bytes of an answer that are kept."


class KeptAnswer:
    """The body of one answer."""

    def __init__(self, answers: "Answers") -> None:
        self._answers = answers
        self._start = Pieces()
        self._file: SpoolFile | None = None
        self.size = 0
        self.is_kept = True
        "Whether all of it can be read; otherwise only its beginning."

    @property
    def start(self) -> bytes:
        """The beginning, as far as it is shown."""
        return self._start.look()

    async def write(self, piece: bytes) -> None:
        """Adds a piece."""
        shown = piece[: SHOWN - self._start.size]
        if shown:
            self._start.add(shown)
        self.size += len(piece)
        if self.size > SHOWN and self.is_kept:
            await self._append(piece[len(shown) :])

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yields the whole answer. Raises SpoolUnavailable if it is gone."""
        if self._file is None:
            yield self.start
            return
        at = 0
        while at < self.size:
            piece = await self._file.read(at)
            yield piece
            at += len(piece)

    def close(self) -> None:
        """Frees the memory or the file of the answer."""
        self.is_kept = False
        if self._file is not None:
            self._file.close()

    async def _append(self, piece: bytes) -> None:
        """Appends to the file, which begins with what is shown."""
        if self.size > LARGEST:
            self.close()
            return
        try:
            if self._file is None:
                self._file = await self._answers.open()
                await self._file.append(self.start)
            await self._file.append(piece)
        except (OSError, SpoolUnavailable):  # the page says that the answer cannot be saved
            self.close()


class Answers:
    """Keeps some answers by their id; the oldest goes first."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._kept: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._spool: Spool | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> SpoolFile:
        """Returns a new file, in a folder that is created when it is first needed; OSError."""
        async with self._opening:
            if self._spool is None:
                self._spool = await asyncio.to_thread(Spool, self._log)
        return await self._spool.open()

    def new(self) -> KeptAnswer:
        """Returns an empty answer; `keep` it, or `close` it."""
        return KeptAnswer(self)

    def keep(self, identifier: str, answer: KeptAnswer) -> None:
        """Keeps an answer under an id."""
        self._kept[identifier] = answer
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)[1].close()

    def find(self, identifier: str) -> KeptAnswer | None:
        """Returns the answer, if all of it is still there."""
        answer = self._kept.get(identifier)
        return answer if answer is not None and answer.is_kept else None

    async def close(self) -> None:
        """Forgets all answers."""
        while self._kept:
            self._kept.popitem()[1].close()
        if self._spool is not None:
            await self._spool.close()
