"""Commands as forks of the fork server, which each process of the tests has once."""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]


class Forked:
    """A process as asyncio.subprocess has them: `python -m proxy`, or `python -c` with `code`."""

    def __init__(self, pid: int, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ending = asyncio.create_task(self._end(answer, writer))

    @classmethod
    async def start(
        cls, *words: str, code: str | None = None, cwd: Path, environ: Mapping[str, str], streams: Sequence[int]
    ) -> Self:
        """Start it with these standard streams, which are closed here."""
        ours, theirs = socket.socketpair()
        request = {"code": code, "words": words, "cwd": str(cwd), "environ": dict(environ)}
        with theirs, tempfile.TemporaryFile("w+") as file:
            json.dump(request, file)
            file.seek(0)
            socket.send_fds(fork_server(), [b"."], [file.fileno(), *streams, theirs.fileno()])
        for stream in streams:
            os.close(stream)
        answer, writer = await asyncio.open_connection(sock=ours)
        return cls(int(await answer.readline()), answer, writer)

    async def wait(self) -> int:
        """Wait for its end; the exit status."""
        return await asyncio.shield(self._ending)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    async def _end(self, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        self.returncode = int(await answer.readline())
        writer.close()
        return self.returncode


async def output_pipe() -> tuple[asyncio.StreamReader, int]:
    """A pipe: what reads from it, and the descriptor that is written to."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    connected = asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
    )
    await connected
    return reader, writing


def input_pipe(content: bytes) -> tuple[asyncio.Future[None], int]:
    """A pipe: what writes the content into it, and the descriptor that is read from."""
    reading, writing = os.pipe()

    def write() -> None:
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(content)

    return asyncio.ensure_future(asyncio.to_thread(write)), reading


@cache
def fork_server() -> socket.socket:
    """The server's socket; the server ends with this process, if not earlier."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
