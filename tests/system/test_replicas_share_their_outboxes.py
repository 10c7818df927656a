"""Three replicas as processes share their outboxes: they are killed, and so is their database."""

import asyncio
import base64
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proxy.app.shared_store import SharedStore
from proxy.clock import SystemClock
from proxy.config.store import StoreSettings
from proxy.outbox.message import MessageState
from proxy.outbox.postgres.store import PostgresOutbox
from tests.cases import named_cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.postgres import PostgresServer
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.system.command import PATIENCE, Proxy
from tests.unit.oauth.world import Lines

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.timeout(300)]

REPLICAS, SENDERS, MESSAGES = 3, 6, 25
LARGE = 40_000
"Bytes of a body that is kept in pieces."
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


class World:
    """The replicas, what their senders were told, and what has arrived."""

    def __init__(self, folder: Path, store: dict[str, str], *, repeatable: bool, ordered: bool) -> None:
        self._folder, self.store = folder, store
        self._chance = random.Random(folder.name)
        self._stack = AsyncExitStack()
        self._outbox: dict[str, Any] = {"repeatable": repeatable, "retries": ["100ms"], "concurrency": 8}
        self._outbox |= {"order": {"field": "X-Key"}} if ordered else {}
        self._file = folder / "proxy.yaml"
        self._next = [0] * SENDERS
        self.replicas: list[Proxy] = []
        self.accepted: set[bytes] = set()
        self.arrived: list[bytes] = []
        self.dead: dict[bytes, str] = {}

    def write(self, upstream: Upstream, authority: AuthorizationServer) -> None:
        """The configuration of all replicas."""
        document = {
            "listen": "127.0.0.1:0",
            "admin": "127.0.0.1:0",
            "store": self.store,
            "oauth_clients": {"a": {"token_url": authority.url, "client_id": "id", "client_secret": "secret"}},
            "routes": [{"path": "/orders", "upstream": upstream.url, "oauth_client": "a", "outbox": self._outbox}],
        }
        self._file.write_text(json.dumps(document))

    async def add(self) -> None:
        """Start one more replica."""
        self.replicas.append(await self._stack.enter_async_context(Hasty(self._file)))

    async def kill(self) -> None:
        """End the first by SIGKILL, and start another."""
        killed = self.replicas.pop(0)
        killed.send(signal.SIGKILL)
        await killed.ends()
        await self.add()

    async def stop(self) -> None:
        """Stop the first, and start another."""
        await self.replicas.pop(0).stop()
        await self.add()

    async def close(self) -> None:
        """End all."""
        await self._stack.aclose()

    async def arrives(self, call: Call) -> None:
        """The upstream takes a message, and answers after a moment."""
        body = await call.body()
        self.arrived.append(body.split(b" ", 1)[0])
        for _ in range(self._chance.randrange(20)):
            await asyncio.sleep(0)
        await answer(200)(call)

    async def load(self) -> None:
        """Every sender sends its messages, each to any replica."""
        await asyncio.gather(*(self._send(each) for each in range(SENDERS)))

    async def empty(self) -> None:
        """Wait until nothing waits any more; what is dead is noted and discarded, because it blocks an order."""
        async with self.people() as store, asyncio.timeout(PATIENCE):
            while True:
                for each in await store.messages(route=None, state=MessageState.DEAD, limit=10_000, after=None):
                    body = await store.body(each.id)
                    content = body if isinstance(body, bytes) else await body.read(0)
                    self.dead[content.split(b" ", 1)[0]] = each.code
                    await store.discard(each.id)
                if not await store.routes():
                    return

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
            self._next[sender] += 1
            name = b"%d-%06d" % (sender, self._next[sender])
            padding = b"x" * (LARGE if self._next[sender] % 10 == 0 else 500)
            try:
                connection = await Sender.connect(self._chance.choice(self.replicas).port)
                try:
                    octets = request(b"POST /orders", b"X-Key: %d" % sender, body=name + b" " + padding)
                    async with asyncio.timeout(PATIENCE):
                        told = await connection.ask(octets)
                finally:
                    connection.leave()
            except (ConnectionError, EOFError):
                continue
            assert told.status in {202, 503}, told
            if told.status == 202:
                self.accepted.add(name)


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
        world.write(upstream, authority)
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
    assert world.accepted - set(world.arrived) <= world.dead.keys()
    assert set(world.dead.values()) <= (set() if repeatable else {"uncertain"})
    if not repeatable:
        assert len(world.arrived) == len(set(world.arrived))
    if ordered:
        for sender in range(SENDERS):
            own = [each for each in world.arrived if each.startswith(b"%d-" % sender)]
            assert all(earlier <= later for earlier, later in pairwise(own))


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
