"""Messages that senders send to a route with an outbox, what they were told, and what has become of it."""

import asyncio
import random
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from proxy.outbox.message import MessageState
from proxy.outbox.store import OutboxStore
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.system.command import document

SENDERS = 6
LARGE = 40_000
"Bytes of a body that is kept in a file or in pieces."


class Messages:
    """Messages by sender and number, each sender's in an order of its own if there is one."""

    def __init__(self, folder: Path, *, repeatable: bool, ordered: bool) -> None:
        self.repeatable, self.ordered = repeatable, ordered
        self.file = folder / "proxy.yaml"
        self.chance = random.Random(folder.name)
        self._next = [0] * SENDERS
        self.accepted: set[bytes] = set()
        "Those that were answered with success."
        self.arrived: list[bytes] = []
        self.dead: dict[bytes, str] = {}
        "Codes of dead letters, those of messages that were never answered included."

    def write(self, store: Mapping[str, str], upstream: Upstream, authority: AuthorizationServer) -> None:
        outbox: dict[str, Any] = {"repeatable": self.repeatable, "retries": ["100ms"], "concurrency": 8}
        outbox |= {"order": {"field": "X-Key"}} if self.ordered else {}
        written = document(upstream.url, authority.url, route={"outbox": outbox}, store=store)
        self.file.write_text(yaml.safe_dump(written))

    async def arrives(self, call: Call) -> None:
        body = await call.body()
        self.arrived.append(body.split(b" ", 1)[0])
        for _ in range(self.chance.randrange(20)):
            await asyncio.sleep(0)
        await answer(200)(call)

    async def send(self, connection: Sender, sender: int) -> int:
        """Send the sender's next message; the status."""
        self._next[sender] += 1
        name = b"%d-%06d" % (sender, self._next[sender])
        padding = b"x" * (LARGE if self._next[sender] % 10 == 0 else 500)
        told = await connection.ask(request(b"POST /orders", b"X-Key: %d" % sender, body=name + b" " + padding))
        if told.status == 202:
            self.accepted.add(name)
        return told.status

    async def bury(self, store: OutboxStore) -> None:
        self.dead |= await buried(store)

    def check(self) -> None:
        """None is lost; without `repeatable` none arrives twice; with an order none overtakes another."""
        assert self.accepted - set(self.arrived) <= self.dead.keys()
        assert set(self.dead.values()) <= (set() if self.repeatable else {"uncertain"})
        if not self.repeatable:
            assert len(self.arrived) == len(set(self.arrived))
        for sender in range(SENDERS) if self.ordered else ():
            own = [each for each in self.arrived if each.startswith(b"%d-" % sender)]
            assert all(earlier <= later for earlier, later in pairwise(own))


async def buried(store: OutboxStore) -> dict[bytes, str]:
    """Discard the dead letters, because they block what stands behind them; their codes, by name."""
    codes: dict[bytes, str] = {}
    for each in await store.messages(route=None, state=MessageState.DEAD, limit=10_000, after=None):
        body = await store.body(each.id)
        content = body if isinstance(body, bytes) else await body.read(0)
        codes[content.split(b" ", 1)[0]] = each.code
        await store.discard(each.id)
    return codes
