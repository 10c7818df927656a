"""A proxy is killed under load, again and again: what it has accepted arrives, or is a dead letter."""

import asyncio
import base64
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession

from proxy.clock import SystemClock
from proxy.outbox.message import MessageState
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys, read_keys
from tests.cases import named_cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.system.command import PATIENCE, Proxy

ROUNDS = int(os.environ.get("OUTBOX_KILLS", "20"))
"How often a proxy is killed, in all."
SENDERS = 6
LARGE = 40_000
"Bytes of a body that is kept in a file."


class Victim:
    """A proxy with an outbox that is killed, what its senders were told, and what has arrived."""

    def __init__(self, folder: Path, *, repeatable: bool, ordered: bool, encrypted: bool) -> None:
        self._folder = folder
        self._chance = random.Random(folder.name)
        self._outbox: dict[str, Any] = {"repeatable": repeatable, "retries": ["100ms"], "concurrency": 8}
        self._outbox |= {"order": {"field": "X-Key"}} if ordered else {}
        self._keys_file = folder / "keys" if encrypted else None
        if self._keys_file is not None:
            self._keys_file.write_bytes(base64.b64encode(bytes(range(32))) + b"\n")
        self._next = [0] * SENDERS
        self._enough, self._reached = 0, asyncio.Event()
        self.accepted: set[bytes] = set()
        "The messages, by sender and number, that were answered with success."
        self.arrived: list[bytes] = []
        self.dead: dict[bytes, str] = {}
        "Codes of dead letters, those of messages that were never answered included."

    def file(self, upstream: Upstream, authority: AuthorizationServer) -> Path:
        """The configuration."""
        store: dict[str, str] = {"path": str(self._folder / "store")}
        if self._keys_file is not None:
            store["keys_file"] = str(self._keys_file)
        document = {
            "listen": "127.0.0.1:0",
            "admin": "127.0.0.1:0",
            "store": store,
            "oauth_clients": {"a": {"token_url": authority.url, "client_id": "id", "client_secret": "secret"}},
            "routes": [{"path": "/orders", "upstream": upstream.url, "oauth_client": "a", "outbox": self._outbox}],
        }
        path = self._folder / "proxy.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    async def arrives(self, call: Call) -> None:
        """The upstream's line: it takes a message, and answers after a moment."""
        body = await call.body()
        self.arrived.append(body.split(b" ", 1)[0])
        for _ in range(self._chance.randrange(20)):
            await asyncio.sleep(0)
        await answer(200)(call)

    async def killed(self, file: Path) -> None:
        """Run the proxy, load it, and kill it while so many more messages are accepted."""
        self._enough, self._reached = len(self.accepted) + self._chance.randrange(1, 150), asyncio.Event()
        async with Proxy(file) as proxy, self._load(proxy.port):
            async with asyncio.timeout(PATIENCE):
                await self._reached.wait()
            proxy.send(signal.SIGKILL)
            await proxy.ends()
        await self._bury()

    async def delivered(self, file: Path) -> None:
        """Run the proxy until nothing waits any more."""
        async with Proxy(file) as proxy, ClientSession() as session:
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with session.get(f"http://127.0.0.1:{proxy.admin_port}/status") as answered:
                        (outbox,) = (await answered.json())["outbox"]["routes"]
                    if not outbox["waiting"] + outbox["delivering"]:
                        break
                    if outbox["dead"] and "order" in self._outbox:
                        break  # they block what stands behind them
            await proxy.stop()
        await self._bury()

    async def _bury(self) -> None:
        """Note the dead letters, and discard them: they would block what stands behind them."""
        keys = await asyncio.to_thread(read_keys, self._keys_file) if self._keys_file else Keys()
        store = await SqliteOutbox.open(self._folder / "store", keys=keys, clock=SystemClock())
        try:
            for each in await store.messages(route=None, state=MessageState.DEAD, limit=10_000, after=None):
                body = await store.body(each.id)
                content = body if isinstance(body, bytes) else await body.read(0)
                self.dead[content.split(b" ", 1)[0]] = each.code
                await store.discard(each.id)
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
                self._next[sender] += 1
                name = b"%d-%06d" % (sender, self._next[sender])
                padding = b"x" * (LARGE if self._next[sender] % 10 == 0 else 500)
                told = await connection.ask(request(b"POST /orders", b"X-Key: %d" % sender, body=name + b" " + padding))
                assert told.status == 202
                self.accepted.add(name)
                if len(self.accepted) >= self._enough:
                    self._reached.set()
        finally:
            connection.leave()


@pytest.mark.timeout(120 + 10 * ROUNDS)
@named_cases("encrypted", {"plain": False, "encrypted": True})
@named_cases("ordered", {"no order": False, "order": True})
@named_cases("repeatable", {"once": False, "repeatable": True})
async def test_what_was_accepted_arrives_or_is_a_dead_letter(
    tmp_path: Path,
    repeatable: bool,
    ordered: bool,
    encrypted: bool,
) -> None:
    """Without `repeatable` none arrives twice; with an order none overtakes another."""
    victim = Victim(tmp_path, repeatable=repeatable, ordered=ordered, encrypted=encrypted)
    async with Upstream(victim.arrives) as upstream, AuthorizationServer() as authority:
        file = await asyncio.to_thread(victim.file, upstream, authority)
        for _ in range(-(-ROUNDS // 8)):
            await victim.killed(file)
        while True:
            buried = len(victim.dead)
            await victim.delivered(file)
            if len(victim.dead) == buried:
                break
    assert victim.accepted
    assert victim.accepted - set(victim.arrived) <= victim.dead.keys()
    assert set(victim.dead.values()) <= (set() if repeatable else {"uncertain"})
    if not repeatable:
        assert len(victim.arrived) == len(set(victim.arrived))
    if ordered:
        for sender in range(SENDERS):
            own = [each for each in victim.arrived if each.startswith(b"%d-" % sender)]
            assert all(earlier <= later for earlier, later in pairwise(own))
