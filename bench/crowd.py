"""Senders that stand around, in a process of their own: `python -m bench.crowd PORT PATH IDLE SLOW TRICKLE`.

Idle ones have had an exchange and keep their connection. Slow ones send a head that never ends, an octet every so many
seconds. Whom the proxy turns out comes again. Prints a line when all stand, and at its end, which an end of standard
input brings about, how often the proxy ended a connection of each kind, and with what status. All connections end with
a reset, so that no ports stay taken.
"""

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bench.laboratory import LOAD_CORE
from bench.machine import lacking_descriptors

AT_A_TIME = 32
"Connections that are being made at once."
RESET = struct.pack("ii", 1, 0)
"SO_LINGER: on, for no seconds."
BEGUN = "POST {path} HTTP/1.1\r\nHost: proxy.example\r\nX-Slow: "
WHOLE = "POST {path} HTTP/1.1\r\nHost: proxy.example\r\nContent-Length: 8\r\n\r\n<order/>"


class Standing:
    """The crowd itself, within its process."""

    def __init__(self, port: int, path: str, trickle: float) -> None:
        self._port, self._path, self._trickle = port, path, trickle
        self._door = asyncio.Semaphore(AT_A_TIME)
        self.ended: Counter[str] = Counter()
        self.places = asyncio.Semaphore(0)
        "One for each that stands for the first time."

    async def idle(self) -> None:
        """An exchange, then silence."""
        while True:
            async with self._door:
                reader, writer = await self._come()
                writer.write(WHOLE.format(path=self._path).encode())
                head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                sys.exit(f"an idle sender had no exchange: {head[:40]!r}")
            self.places.release()
            await reader.read()
            self.ended["idle"] += 1
            writer.close()

    async def slow(self, delay: float) -> None:
        """A head that never ends; the first one after a while."""
        await asyncio.sleep(delay)
        while True:
            async with self._door:
                reader, writer = await self._come()
                writer.write(BEGUN.format(path=self._path).encode())
            self.places.release()
            answer = asyncio.ensure_future(reader.read())
            while not (await asyncio.wait([answer], timeout=self._trickle))[0]:
                writer.write(b"x")
            self.ended[f"slow {status(answer)}"] += 1
            writer.close()

    async def _come(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        connected: socket.socket = writer.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return reader, writer


def status(answer: "asyncio.Future[bytes]") -> str:
    """That of the answer to a slow head."""
    if error := answer.exception():
        return type(error).__name__
    return answer.result()[9:12].decode() or "none"


async def stand(port: int, path: str, idle: int, slow: int, trickle: float, over: float) -> None:
    """All of them, until standard input ends."""
    standing = Standing(port, path, trickle)
    tasks = [asyncio.create_task(standing.idle()) for _ in range(idle)]
    tasks += [asyncio.create_task(standing.slow(over * number / slow)) for number in range(slow)]
    for _ in tasks:
        await standing.places.acquire()
    sys.stdout.write("standing\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    broken = [task.exception() for task in tasks if task.done()]
    if broken:
        sys.exit(f"{len(broken)} of the crowd broke down, the first one: {broken[0]!r}")
    sys.stdout.write(f"{json.dumps(standing.ended)}\n")
    sys.stdout.flush()
    os._exit(0)  # in good order, thousands of tasks would take their time, and more heads be timed out meanwhile


class Crowd:
    """The crowd as a measurement sees it; `ended` is known when it has gone."""

    def __init__(self) -> None:
        self.ended: dict[str, int] = {}


@contextmanager
def crowd(
    port: int, path: str, *, idle: int, slow: int = 0, trickle: float = 1.0, over: float = 0.0
) -> Iterator[Crowd]:
    """The slow ones come over so many seconds, and send an octet each `trickle` seconds."""
    arguments = [str(each) for each in (port, path, idle, slow, trickle, over)]
    pinned = ("taskset", "-c", LOAD_CORE, "chrt", "--idle", "0")
    words = [*pinned, sys.executable, "-P", "-m", "bench.crowd", *arguments]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None or process.stdout.readline() != "standing\n":
            sys.exit("The crowd could not come.")
        seen = Crowd()
        try:
            yield seen
        finally:
            process.stdin.close()
            seen.ended = json.loads(process.stdout.readline() or "{}")


def main(port: str, path: str, idle: str, slow: str, trickle: str, over: str) -> None:
    """As said above."""
    if reason := lacking_descriptors(int(idle) + int(slow)):
        sys.exit(reason)
    asyncio.run(stand(int(port), path, int(idle), int(slow), float(trickle), float(over)))


if __name__ == "__main__":
    main(*sys.argv[1:])
