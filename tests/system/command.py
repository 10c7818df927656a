"""The real command, as processes of their own."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.system.forked import Forked, output_pipe

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"Seconds after which a test that waits in vain fails."
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""
"As a service manager hands over a socket."
BARE = """
from proxy.config import load
load.PLACES = tuple(place for place in load.PLACES if not place.is_absolute())
from proxy.cli import main
main()
"""
"As on a machine that has no configuration file of its own in /etc."
_GIVEN = set[int]()
"Ports that tests of this process were told to use."
_KEPT_OUT = re.compile(
    r"CPI_.*|OTEL_.*|(https?|all|no)_proxy|SSL_CERT_.*|AIOHTTP_.*|LISTEN_.*|NOTIFY_SOCKET|VCAP_.*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that has ended."""

    status: int
    output: str
    errors: str


class Command:
    """A process; leaving it ends it by SIGTERM."""

    before: tuple[str, ...] = ()
    "What the command is started by."
    pass_fds: tuple[int, ...] = ()
    "Descriptors that it gets."
    program: tuple[str, ...] = (sys.executable, "-m", "proxy")
    "The command itself."
    is_new: bool = False
    "Whether it has to be a new process; others are forks of one that has imported what a command imports."

    def __init__(self, *words: str, cwd: Path = ROOT, **variables: str) -> None:
        self._words = words
        self._cwd = cwd
        self._variables = variables
        self._process: asyncio.subprocess.Process | Forked | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self.output: list[str] = []
        "Lines of standard output."
        self.errors: list[str] = []
        "Lines of standard error."

    async def __aenter__(self) -> Self:
        output, output_end = await output_pipe()
        errors, errors_end = await output_pipe()
        streams = (os.open(os.devnull, os.O_RDONLY), output_end, errors_end)
        self._process = await self._start(streams)
        self._readers = [
            asyncio.create_task(self._read(output, self.output)),
            asyncio.create_task(self._read(errors, self.errors)),
        ]
        return self

    async def _start(self, streams: tuple[int, int, int]) -> asyncio.subprocess.Process | Forked:
        """Start the process with these standard streams, which are closed here."""
        environ = environment(self._variables)
        if not self.is_new and not self.before and self.program[0] == sys.executable:
            code = self.program[2] if self.program[1] == "-c" else None
            return await Forked.start(*self._words, code=code, cwd=self._cwd, environ=environ, streams=streams)
        words = (*self.before, *self.program, *self._words)
        stdin, stdout, stderr = streams
        try:
            return await asyncio.create_subprocess_exec(
                *words, cwd=self._cwd, env=environ, pass_fds=self.pass_fds, stdin=stdin, stdout=stdout, stderr=stderr
            )
        finally:
            for stream in streams:
                os.close(stream)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        except TimeoutError:
            self._running.kill()
            await self._running.wait()
            raise

    @property
    def pid(self) -> int:
        return self._running.pid

    def send(self, number: signal.Signals) -> None:
        if self._running.returncode is None:
            self._running.send_signal(number)

    async def ends(self) -> Finished:
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait(self._readers)  # who waits may be cancelled; they go on
            status = await self._running.wait()
        return Finished(status=status, output="\n".join(self.output), errors="\n".join(self.errors))

    async def stop(self) -> Finished:
        self.send(signal.SIGTERM)
        return await self.ends()

    async def prints(self, pattern: str) -> re.Match[str]:
        return await self._wait(self.output, pattern)

    async def logs(self, event: str) -> dict[str, Any]:
        found = await self._wait(self.errors, rf'.*"event": ?"{re.escape(event)}".*')
        fields: dict[str, Any] = json.loads(found[0])
        return fields

    async def logged(self, event: str, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE):
            while True:
                lines = [json.loads(line) for line in self.errors]
                found = [line for line in lines if line["event"] == event]
                if len(found) >= count:
                    return found
                await self._changed.wait()

    @property
    def _running(self) -> asyncio.subprocess.Process | Forked:
        assert self._process is not None
        return self._process

    async def _read(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        while line := await stream.readline():
            lines.append(line.decode().rstrip("\n"))
            self._tell()
        asyncio.get_running_loop().call_soon(self._tell)  # when this task is done

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _wait(self, lines: list[str], pattern: str) -> re.Match[str]:
        async with asyncio.timeout(PATIENCE):
            while True:
                for line in lines:
                    if found := re.fullmatch(pattern, line):
                        return found
                if all(reader.done() for reader in self._readers):
                    raise AssertionError(f"{self._words} ended without {pattern}: {self.errors}")
                await self._changed.wait()


class Unconfigured(Command):
    """Configured by its working directory, these variables, or nothing."""

    program = (sys.executable, "-c", BARE)


class Proxy(Command):
    """`run` on free ports."""

    def __init__(self, file: Path, **variables: str) -> None:
        super().__init__("run", "-c", str(file), cwd=ROOT, **variables)
        self.port = self.admin_port = 0

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            detail = (await self.logs("proxy.started"))["detail"]
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        found = re.match(r"listening on 127\.0\.0\.1:(\d+), admin on 127\.0\.0\.1:(\d+); ", detail)
        assert found is not None
        self.port, self.admin_port = int(found[1]), int(found[2])
        return self


class Activated(Command):
    """`run` with a socket that was opened for it, and a notified address."""

    def __init__(self, file: Path, listening: socket.socket, notified: Path) -> None:
        super().__init__("run", "-c", str(file), NOTIFY_SOCKET=str(notified))
        self.before = (sys.executable, "-c", LAUNCH, str(listening.fileno()))
        self.pass_fds = (listening.fileno(),)


class Sandbox(Command):
    """`sandbox` on free ports, with its files in a folder."""

    def __init__(self, folder: Path, **variables: str) -> None:
        super().__init__("sandbox", "--port-base", "0", "--directory", str(folder), cwd=ROOT, **variables)
        self.urls: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        for name in ("neo_token_url", "xsuaa_token_url", "runtime_url", "control_url"):
            self.urls[name] = (await self.prints(rf"{name}: (.+)"))[1]
        await self.prints("certificates, .+")
        return self


async def run(*words: str, cwd: Path = ROOT, **variables: str) -> Finished:
    """Run a command that ends by itself."""
    async with Command(*words, cwd=cwd, **variables) as command:
        return await command.ends()


async def execute(*words: str, stdin: bytes = b"", cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Finished:
    """Run any program to its end."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=cwd,
        env=environment({}) if env is None else env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin)
    return Finished(status=process.returncode or 0, output=output.decode(errors="replace"), errors=errors.decode())


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Ours, without what would configure the command, and with these variables."""
    kept = {name: value for name, value in os.environ.items() if not _KEPT_OUT.fullmatch(name)}
    return {**kept, "PYTHONPATH": str(ROOT), **variables}


def document(
    upstream: str, token_url: str, *, route: Mapping[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    """A configuration on free ports: the route `/orders` as one OAuth client."""
    client = {"token_url": token_url, "client_id": "id", "client_secret": "secret"}
    return {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "oauth_clients": {"orders": client},
        "routes": [{"path": "/orders", "upstream": upstream, "oauth_client": "orders", **(route or {})}],
        **options,
    }


def free_port() -> int:
    """A port on which nobody listens, and another one each time."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port
