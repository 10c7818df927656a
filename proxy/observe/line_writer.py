"""Writes log lines to standard error: a thread writes what the event loop collects, so that no reader can block us."""

import asyncio
import os
import select
import threading
from collections.abc import Callable
from queue import SimpleQueue

FLUSH = 0.05
"Seconds at most until a line is handed to the thread."
MOST_WAITING = 8 << 20
"Bytes that may wait for a slow reader; further lines are counted and dropped."
_LINE_END = 0x0A


class LineWriter:
    """Writes whole lines to a descriptor, in order: directly, or in batches from `attach` to `close`.

    Call `write` in the event loop's thread only. Lines that cannot be written, because the reader does not read or the
    disk is full, are counted; `log.dropped` reports the count as soon as lines can be written again. The descriptor
    may be non-blocking, because any process that shares it can make it so.
    """

    def __init__(self, descriptor: int) -> None:
        self.dropped_line: Callable[[int], str] = lambda count: f"log.dropped count={count}"
        "Makes the line that reports how many lines were dropped; called in any thread."
        self._descriptor = descriptor
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: SimpleQueue[bytes | int | None] = SimpleQueue()
        "Batches of lines; the number of lines dropped at this place; None at the end."
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._waiting = 0
        self._dropped = 0
        self._cut = False
        "Whether the last byte written was not a line end."

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts the thread; from now on lines wait at most FLUSH seconds before they are handed to it."""
        self._loop = loop
        self._thread = threading.Thread(target=self._write_batches, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Writes a line, given without its line end."""
        if self._loop is not None:
            self._lines.append(line)
            if len(self._lines) == 1:
                self._loop.call_later(FLUSH, self._hand_over)
        elif self._thread is None or not self._thread.is_alive():
            self._lines.append(line)
            self._report_rest()
            self._write_batch(self._batch())
        # otherwise the thread is still blocked after `close`, and a write would block here too

    def close(self, patience: float = 5.0) -> None:
        """Writes the lines that are left; waits at most `patience` seconds for a reader that does not read."""
        if self._thread is not None:
            self._hand_over()
            self._queue.put(None)
            self._thread.join(patience)
        self._loop = None

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
            self._queue.put(dropped)
        self._queue.put(batch)

    def _write_batches(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, int):
                self._report(item)
            else:
                self._write_batch(item)
                with self._lock:
                    self._waiting -= len(item)
            if self._queue.empty():  # no further line may follow
                self._report_rest()

    def _write_batch(self, batch: bytes) -> None:
        lost = self._write_lines(batch)
        with self._lock:
            self._dropped += lost

    def _report_rest(self) -> None:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            self._report(dropped)

    def _report(self, dropped: int) -> None:
        line = f"{self.dropped_line(dropped)}\n".encode("utf-8", "backslashreplace")
        if self._write_lines(line):
            with self._lock:
                self._dropped += dropped

    def _write_lines(self, lines: bytes) -> int:
        """Writes them, and waits if a write would block; returns how many were not written as a whole."""
        octets, begin = (b"\n" if self._cut else b"") + lines, 0
        while begin < len(octets):
            try:
                begin += os.write(self._descriptor, memoryview(octets)[begin:])
            except BlockingIOError:
                self._wait_until_writable()
            except OSError:  # a closed pipe or a full disk: serving goes on
                return min(octets.count(b"\n", begin), lines.count(b"\n"))
            else:
                self._cut = octets[begin - 1] != _LINE_END
        return 0

    def _wait_until_writable(self) -> None:
        """Returns when the reader has read or has closed its end."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll()
