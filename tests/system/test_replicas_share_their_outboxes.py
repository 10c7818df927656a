"""Three replicas as processes share their outboxes: they are killed, and so is their database."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proxy.app.shared_store import SharedStore
from proxy.clock import SystemClock
from proxy.config.store import StoreSettings
from proxy.outbox.postgres.store import PostgresOutbox
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.postgres import PostgresServer
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import Call, Upstream, answer
from tests.system.outbox_load import LARGE, buried
from tests.system.proving import ALL, SEED, tell
from tests.system.replicas.cluster import Cluster, Replica
from tests.system.replicas.load import Load
from tests.system.replicas.scale import OUTBOXES as SCALE
from tests.system.replicas.troubles import Troubles
from tests.unit.oauth.world import Lines

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.timeout(3600 if ALL else 300)]

REPLICAS = 3
REPEATED, ONCE = ("repeatable", "repeatable-unordered"), ("once", "once-unordered")
ORDERED = ("repeatable", "once")
ROUTES = REPEATED + ONCE
HONEST = {"outbox_unavailable", "draining"}
"Codes of the proxies' own refusals."
PATIENCE = 600.0
"Seconds: a replica may stand still for most of a round."


class World:
    """The replicas, what their senders were told, and what has arrived; messages are known by route and number."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.load = Load(cluster, SCALE.senders, self._send, pause=lambda: cluster.chance.uniform(0, 2 * SCALE.takes))
        self.troubles = Troubles(cluster, self.load)
        self._next: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.accepted: set[bytes] = set()
        self.arrived: list[bytes] = []
        self.dead: dict[bytes, str] = {}
        "Codes of dead letters, those of messages that were never answered included."

    async def arrives(self, call: Call) -> None:
        """The upstream takes a message, and answers after a moment."""
        body = await call.body()
        self.arrived.append(body.split(b" ", 1)[0])
        await asyncio.sleep(self.cluster.chance.uniform(0, SCALE.takes))
        await answer(200)(call)

    async def empty(self) -> None:
        """Wait until nothing waits any more."""
        async with self.people() as store, asyncio.timeout(6 * SCALE.lease + 60):
            while await store.routes():
                self.dead |= await buried(store)

    @asynccontextmanager
    async def people(self) -> AsyncIterator[PostgresOutbox]:
        """The store as one more replica that delivers nothing."""
        settings = StoreSettings.model_validate(self.cluster.store)
        assert settings.postgres is not None
        shared = await asyncio.to_thread(SharedStore, settings.postgres, settings, ca_file=None, log=Lines())
        await shared.start()
        store = shared.outbox(SystemClock())
        try:
            yield store
        finally:
            await store.close()
            await shared.close()

    async def _send(self, sender: int, replica: Replica) -> None:
        key = f"{self.cluster.chance.choice(ROUTES)}-{sender}"
        self._next[key] += 1
        name = b"%b-%06d" % (key.encode(), self._next[key])
        padding = b"x" * (LARGE if self._next[key] % 10 == 0 else 500)
        start = b"POST /" + key.rsplit("-", 1)[0].encode()
        try:
            connection = await Sender.connect(replica.port)
            connection.patience = PATIENCE
            try:
                told = await connection.ask(request(start, b"X-Key: %d" % sender, body=name + b" " + padding))
            finally:
                connection.leave()
        except (ConnectionError, EOFError):
            assert replica.was_killed
            self.told["cut"] += 1
            return
        if told.status == 202:
            self.accepted.add(name)
            self.told["202"] += 1
        else:
            assert told.code in HONEST, told
            self.told[told.code] += 1


@pytest.fixture
async def world(postgres_server: PostgresServer, database: str, tmp_path: Path) -> AsyncIterator[World]:
    """Three replicas that run, with a route for each kind of outbox."""
    cluster = Cluster(tmp_path, postgres_server, database, program=SCALE.program, chance=random.Random(SEED))
    world = World(cluster)
    async with Upstream(world.arrives) as upstream, AuthorizationServer() as authority, cluster:
        cluster.write(
            oauth_clients={"a": {"token_url": authority.url, "client_id": "id", "client_secret": "secret"}},
            routes=[route(each, upstream.url) for each in ROUTES],
        )
        await cluster.add_many(REPLICAS)
        yield world


def route(name: str, upstream: str) -> dict[str, Any]:
    """A route with an outbox."""
    outbox: dict[str, Any] = {"repeatable": name in REPEATED, "retries": ["100ms"], "concurrency": 8}
    outbox |= {"order": {"field": "X-Key"}} if name in ORDERED else {}
    return {"path": f"/{name}", "name": name, "upstream": upstream, "oauth_client": "a", "outbox": outbox}


async def test_what_was_accepted_arrives_or_is_a_dead_letter(
    world: World, postgres_server: PostgresServer, database: str
) -> None:
    """None is lost; without `repeatable` none arrives twice; with an order none overtakes another; nothing is left.

    In a first round nothing happens: each message arrives once, and none dies.
    What is repeatable arrives; of what is not, a dead letter may be left of which nobody knows whether it arrived.
    """
    tell(SEED=SEED)
    await world.load.run(SCALE.messages)
    await world.empty()
    if not world.cluster.outages:  # a busy machine may cause one
        assert (world.dead, len(world.arrived)) == ({}, SCALE.messages)
    for _ in range(SCALE.rounds):
        await world.troubles.round(SCALE.messages)
        async with world.people() as store:
            world.dead |= await buried(store)
        tell(arrived=len(world.arrived), outages=world.cluster.outages, troubles=world.troubles.figures)
    await world.empty()
    arrived = Counter(world.arrived)
    twice = {each for each, count in arrived.items() if count > 1}
    dead = Counter(world.dead.values())
    tell(told=dict(world.told), arrived=len(arrived), twice=len(twice), dead=dict(dead), outages=world.cluster.outages)
    tell(troubles=world.troubles.figures)
    assert world.accepted <= arrived.keys() | world.dead.keys()
    assert dead.keys() <= {"uncertain"}
    assert not {each for each in world.dead if is_of(each, REPEATED)}
    assert not {each for each in twice if is_of(each, ONCE)}
    for numbers in in_order(world.arrived).values():
        assert all(earlier <= later for earlier, later in pairwise(numbers))
    assert world.cluster.faults == []
    assert left(postgres_server, database) == "0|0|0|0"


def is_of(name: bytes, routes: tuple[str, ...]) -> bool:
    """Whether a message belongs to one of these routes."""
    return name.rsplit(b"-", 2)[0].decode() in routes


def in_order(arrived: list[bytes]) -> dict[bytes, list[int]]:
    """The numbers of the messages of each order, as they arrived."""
    found: dict[bytes, list[int]] = defaultdict(list)
    for each in arrived:
        if is_of(each, ORDERED):
            order, _, number = each.rpartition(b"-")
            found[order].append(int(number))
    return found


def left(server: PostgresServer, database: str) -> str:
    """What the database has of messages, and what it has counted: it should be nothing."""
    return server.sql(
        "SELECT (SELECT count(*) FROM cpi_proxy_outbox_messages), (SELECT count(*) FROM cpi_proxy_outbox_history),"
        " (SELECT count(*) FROM cpi_proxy_outbox_pieces WHERE body NOT IN (SELECT body FROM cpi_proxy_outbox_loose)),"
        " (SELECT sum(waiting + dead + bytes) FROM cpi_proxy_outbox_routes)",
        database,
    )
