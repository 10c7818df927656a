"""Log lines on their way out: collected in the event loop, written by a thread, so that no reader can hold us up."""

import asyncio
import os
import threading
from queue import SimpleQueue

FLUSH = 0.05
"Seconds at most until a line is handed to the thread."
MOST_WAITING = 8 << 20
"Octets that may wait for a reader that does not read; what comes then is counted and dropped."


class LineWriter:
    """Writes whole lines to a descriptor, in order: at once, and batch by batch from `attach` to `close`.

    `write` belongs to the thread of the event loop.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._waiting = 0
        self._dropped = 0

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on lines wait for at most FLUSH and are written by a thread."""
        self._loop = loop
        self._thread = threading.Thread(target=self._write_batches, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """A line without its end."""
        self._lines.append(line)
        if self._loop is None:
            self._write_all(self._batch())
        elif len(self._lines) == 1:
            self._loop.call_later(FLUSH, self._hand_over)

    def close(self, patience: float = 5.0) -> None:
        """Writes what is left, and waits at most that many seconds for a reader that does not read."""
        if self._thread is not None:
            self._hand_over()
            self._queue.put(None)
            self._thread.join(patience)
        self._loop = self._thread = None

    def _batch(self) -> bytes:
        lines, self._lines = self._lines, []
        return "\n".join([*lines, ""]).encode("utf-8", "backslashreplace")

    def _hand_over(self) -> None:
        if not self._lines:
            return
        count = len(self._lines)
        batch = self._batch()
        with self._lock:
            if self._waiting + len(batch) > MOST_WAITING:
                self._dropped += count
                return
            dropped, self._dropped = self._dropped, 0
            self._waiting += len(batch)
        if dropped:
            self._queue.put(b'{"event":"log.dropped","lines":%d}\n' % dropped)
        self._queue.put(batch)

    def _write_batches(self) -> None:
        while (batch := self._queue.get()) is not None:
            self._write_all(batch)
            with self._lock:
                self._waiting = max(0, self._waiting - len(batch))

    def _write_all(self, octets: bytes) -> None:
        try:
            while octets:
                octets = octets[os.write(self._descriptor, octets) :]
        except OSError:  # a closed pipe or a full disk: serving goes on, and there is nobody left to tell
            return
