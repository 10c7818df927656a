"""Three replicas as processes share their outboxes: they are killed, and so is their database."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from proxy.app.shared_store import SharedStore
from proxy.clock import SystemClock
from proxy.config.store import StoreSettings
from proxy.outbox.postgres.store import PostgresOutbox
from tests.cases import named_cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.postgres import PostgresServer
from tests.fakes.sender import Sender
from tests.fakes.upstream import Upstream
from tests.system.command import PATIENCE, Proxy
from tests.system.outbox_load import SENDERS, Messages
from tests.unit.oauth.world import Lines

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.timeout(300)]

REPLICAS, MESSAGES = 3, 25
TROUBLES = ("none", "kill", "pause", "resume", "kill", "crash", "start", "stop", "kill")
HASTY = """
from proxy.outbox.postgres import store, waking
store.PostgresOutbox.__init__.__kwdefaults__["lease"] = 3.0
waking.LISTENING = waking.ALONE = 1.0
from proxy.cli import main
main()
"""
"With shorter leases, so that nobody waits for those of the dead."


class Hasty(Proxy):
    """A replica."""

    program = (sys.executable, "-c", HASTY)


class World(Messages):
    """The replicas, and the messages that they share."""

    def __init__(self, folder: Path, store: dict[str, str], *, repeatable: bool, ordered: bool) -> None:
        super().__init__(folder, repeatable=repeatable, ordered=ordered)
        self.store = store
        self._stack = AsyncExitStack()
        self.replicas: list[Proxy] = []

    async def add(self) -> None:
        self.replicas.append(await self._stack.enter_async_context(Hasty(self.file)))

    async def kill(self) -> None:
        """End the first by SIGKILL, and start another."""
        killed = self.replicas.pop(0)
        killed.send(signal.SIGKILL)
        await killed.ends()
        await self.add()

    async def stop(self) -> None:
        await self.replicas.pop(0).stop()
        await self.add()

    async def close(self) -> None:
        await self._stack.aclose()

    async def load(self) -> None:
        await asyncio.gather(*(self._send(each) for each in range(SENDERS)))

    async def empty(self) -> None:
        async with self.people() as store, asyncio.timeout(PATIENCE):
            await self.bury(store)
            while await store.routes():
                await self.bury(store)

    @asynccontextmanager
    async def people(self) -> AsyncIterator[PostgresOutbox]:
        """The store as one more replica that delivers nothing."""
        settings = StoreSettings.model_validate(self.store)
        assert settings.postgres is not None
        shared = await asyncio.to_thread(SharedStore, settings.postgres, settings, ca_file=None, log=Lines())
        await shared.start()
        store = shared.outbox(SystemClock())
        try:
            yield store
        finally:
            await store.close()
            await shared.close()

    async def _send(self, sender: int) -> None:
        for _ in range(MESSAGES):
            with suppress(ConnectionError, EOFError):
                connection = await Sender.connect(self.chance.choice(self.replicas).port)
                try:
                    async with asyncio.timeout(PATIENCE):
                        assert await self.send(connection, sender) in {202, 503}
                finally:
                    connection.leave()


@named_cases("repeatable, ordered", {"once": (False, True), "repeatable": (True, True), "no order": (False, False)})
async def test_what_was_accepted_arrives_or_is_a_dead_letter(
    tmp_path: Path,
    postgres_server: PostgresServer,
    database: str,
    repeatable: bool,
    ordered: bool,
) -> None:
    """Without `repeatable` none arrives twice; with an order none overtakes another."""
    (tmp_path / "keys").write_bytes(base64.b64encode(os.urandom(32)))
    store = {
        "postgres": postgres_server.url(database),
        "password_file": str(postgres_server.password_file),
        "keys_file": str(tmp_path / "keys"),
    }
    world = World(tmp_path, store, repeatable=repeatable, ordered=ordered)
    async with Upstream(world.arrives) as upstream, AuthorizationServer() as authority:
        world.write(store, upstream, authority)
        try:
            for _ in range(REPLICAS):
                await world.add()
            for trouble in TROUBLES:
                loading = asyncio.create_task(world.load())
                await troubled(trouble, world, postgres_server)
                await loading
            await world.empty()
        finally:
            await world.close()
    assert len(world.accepted) > SENDERS * MESSAGES
    world.check()


async def troubled(trouble: str, world: World, server: PostgresServer) -> None:
    """What happens while messages are sent."""
    match trouble:
        case "kill":
            await world.kill()
        case "stop":
            await world.stop()
        case "pause":
            server.pause()
        case "resume":
            server.resume()
        case "crash":
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
        case "start":
            await asyncio.to_thread(server.start)
