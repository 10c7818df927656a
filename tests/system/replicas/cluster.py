"""The replicas that run, and how each can end or stand still."""

import asyncio
import base64
import json
import os
import random
import re
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession

from tests.fakes.postgres import PostgresServer
from tests.system.command import PATIENCE, Finished, Proxy

_STORE = re.compile(r'"event": ?"store\.(unreachable|reachable)"')

_FAULT = re.compile(r'"event": ?"(library\.reported|[a-z.]+\.crashed)"|Traceback')


class Replica(Proxy):
    """One process."""

    def __init__(self, file: Path, program: tuple[str, ...]) -> None:
        super().__init__(file)
        self.program = program
        self.was_killed = False

    async def kill(self) -> None:
        """End it by SIGKILL."""
        self.was_killed = True
        self.send(signal.SIGKILL)
        await self.ends()

    async def stop(self) -> Finished:
        """End it by SIGTERM, also if it stands still."""
        self.send(signal.SIGCONT)
        return await super().stop()

    def has(self, port: int) -> bool:
        """Whether it has a connection from this port."""
        lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
        sockets = {f"socket:[{fields[9]}]" for fields in lines if fields[1].endswith(f":{port:04X}")}
        return any(
            os.path.realpath(each).rsplit("/", 1)[1] in sockets for each in Path(f"/proc/{self.pid}/fd").iterdir()
        )

    def store_lines(self) -> list[str]:
        """The events of its log that tell of the store."""
        return _STORE.findall("\n".join(self.errors))


class Cluster:
    """Replicas with one configuration and one database. Use as an asynchronous context manager."""

    def __init__(
        self, folder: Path, server: PostgresServer, database: str, *, program: tuple[str, ...], chance: random.Random
    ) -> None:
        self.server, self.chance = server, chance
        self._file, self._program = folder / "proxy.yaml", program
        self._stack = AsyncExitStack()
        self._all: list[Replica] = []
        (folder / "keys").write_bytes(base64.b64encode(os.urandom(32)))
        self.store = {
            "postgres": server.url(database),
            "password_file": str(server.password_file),
            "keys_file": str(folder / "keys"),
        }
        self.serving: list[Replica] = []
        "Those that get messages: a load balancer knows which one stops or stands still."

    def write(self, **document: Any) -> None:
        """Write the configuration of all replicas."""
        always = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "store": self.store}
        self._file.write_text(json.dumps(always | document))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await asyncio.gather(*(each.stop() for each in self.serving))
        finally:
            await self._stack.aclose()

    async def add(self) -> None:
        """Start one more replica."""
        replica = Replica(self._file, self._program)
        self._all.append(replica)
        self.serving.append(await self._stack.enter_async_context(replica))

    async def add_many(self, count: int) -> None:
        """Start so many replicas."""
        await asyncio.gather(*(self.add() for _ in range(count)))

    def taken(self, ports: list[int]) -> Replica | None:
        """Take a replica from those that get messages, if there is another; one with such a port, if there is one."""
        if len(self.serving) < 2:
            return None
        having = [each for each in self.serving for port in ports if each.has(port)]
        taken = self.chance.choice(having or self.serving)
        self.serving.remove(taken)
        return taken

    @property
    def outages(self) -> int:
        """How often replicas have lost their store, those included that have ended."""
        return sum(each.store_lines().count("unreachable") for each in self._all)

    @property
    def away(self) -> int:
        """How many replicas that run have not said yet that they have all connections to their store again."""
        return sum(each.store_lines()[-1:] == ["unreachable"] for each in self.serving)

    @property
    def faults(self) -> list[str]:
        """Lines of their logs that tell of a fault of the proxy itself."""
        return [line for each in self._all for line in each.errors if _FAULT.search(line)]

    async def reaches_store(self) -> None:
        """Wait until all replicas that run have their store again."""
        async with ClientSession() as session, asyncio.timeout(2 * PATIENCE):
            for each in self.serving:
                while not await _is_up(session, each):
                    pass


async def _is_up(session: ClientSession, replica: Replica) -> bool:
    async with session.get(f"http://127.0.0.1:{replica.admin_port}/status") as answered:
        return bool((await answered.json())["store"]["up"])
