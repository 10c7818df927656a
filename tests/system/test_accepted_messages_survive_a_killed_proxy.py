"""A proxy is killed under load, again and again: what it has accepted arrives, or is a dead letter."""

import asyncio
import base64
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from proxy.clock import SystemClock
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys, read_keys
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Sender
from tests.fakes.upstream import Upstream
from tests.system.command import PATIENCE, Proxy
from tests.system.outbox_load import SENDERS, Messages

ROUNDS = int(os.environ.get("OUTBOX_KILLS", "20"))
"How often a proxy is killed, in all."


class Victim(Messages):
    """The messages of a proxy that is killed."""

    def __init__(self, folder: Path, *, repeatable: bool, ordered: bool, encrypted: bool) -> None:
        super().__init__(folder, repeatable=repeatable, ordered=ordered)
        self.store = {"path": str(folder / "store")}
        if encrypted:
            self.store["keys_file"] = str(folder / "keys")
            (folder / "keys").write_bytes(base64.b64encode(bytes(range(32))) + b"\n")
        self._enough, self._reached = 0, asyncio.Event()

    async def killed(self) -> None:
        """Run the proxy, load it, and kill it while so many more messages are accepted."""
        self._enough, self._reached = len(self.accepted) + self.chance.randrange(1, 150), asyncio.Event()
        async with Proxy(self.file) as proxy, self._load(proxy.port):
            async with asyncio.timeout(PATIENCE):
                await self._reached.wait()
            proxy.send(signal.SIGKILL)
            await proxy.ends()
        await self._bury()

    async def delivered(self) -> None:
        """Run the proxy until nothing waits any more."""
        async with Proxy(self.file) as proxy, ClientSession() as session:
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with session.get(f"http://127.0.0.1:{proxy.admin_port}/status") as answered:
                        (outbox,) = (await answered.json())["outbox"]["routes"]
                    if not outbox["waiting"] + outbox["delivering"]:
                        break
                    if outbox["dead"] and self.ordered:
                        break  # they block what stands behind them
            await proxy.stop()
        await self._bury()

    async def _bury(self) -> None:
        file = self.store.get("keys_file")
        keys = await asyncio.to_thread(read_keys, Path(file)) if file else Keys()
        store = await SqliteOutbox.open(Path(self.store["path"]), keys=keys, clock=SystemClock())
        try:
            await self.bury(store)
        finally:
            await store.close()

    @asynccontextmanager
    async def _load(self, port: int) -> AsyncIterator[None]:
        senders = [asyncio.create_task(self._send(port, number)) for number in range(SENDERS)]
        try:
            yield
        finally:
            for each in senders:
                each.cancel()
            ends = await asyncio.gather(*senders, return_exceptions=True)
        assert not [each for each in ends if isinstance(each, AssertionError)]

    async def _send(self, port: int, sender: int) -> None:
        connection = await Sender.connect(port)
        try:
            while True:
                assert await self.send(connection, sender) == 202
                if len(self.accepted) >= self._enough:
                    self._reached.set()
        finally:
            connection.leave()


@pytest.mark.timeout(120 + 10 * ROUNDS)
@cases("encrypted", {"plain": False, "encrypted": True})
@cases("ordered", {"no order": False, "order": True})
@cases("repeatable", {"once": False, "repeatable": True})
async def test_what_was_accepted_arrives_or_is_a_dead_letter(
    tmp_path: Path, repeatable: bool, ordered: bool, encrypted: bool
) -> None:
    """Without `repeatable` none arrives twice; with an order none overtakes another."""
    victim = Victim(tmp_path, repeatable=repeatable, ordered=ordered, encrypted=encrypted)
    async with Upstream(victim.arrives) as upstream, AuthorizationServer() as authority:
        await asyncio.to_thread(victim.write, victim.store, upstream, authority)
        for _ in range(-(-ROUNDS // 8)):
            await victim.killed()
        while True:
            buried = len(victim.dead)
            await victim.delivered()
            if len(victim.dead) == buried:
                break
    assert victim.accepted
    victim.check()
