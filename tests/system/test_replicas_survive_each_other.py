"""Four replicas as processes, whose tenant voids a token with each grant: they are killed, and so is their database."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.postgres import PostgresServer
from tests.fakes.sender import Answer, Sender, request
from tests.fakes.voiding_tenant import VoidingTenant
from tests.system.command import PATIENCE
from tests.system.proving import ALL, SEED, tell
from tests.system.replicas.cluster import Cluster, Replica
from tests.system.replicas.load import Load
from tests.system.replicas.scale import TOKENS as SCALE
from tests.system.replicas.troubles import Troubles

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.timeout(3600 if ALL else 300)]

REPLICAS = 4
HONEST = {"draining", "grant_timeout", "grant_unavailable"}
"Codes of the proxies' own answers."
SLOWEST = 1.5
"How many leases a grant takes at most, so that the lease has to be extended."
PUBLISHING = 1.0
"Seconds in which a token that was granted is published."


class World:
    """A tenant, four replicas before it, and what their senders were told."""

    def __init__(self, cluster: Cluster, void: VoidingTenant) -> None:
        self.cluster, self.void = cluster, void
        self.load = Load(cluster, SCALE.senders, self._send)
        self.troubles = Troubles(cluster, self.load, busy=lambda: void.granting, died=self._died)
        self.sent = 0
        self.told: Counter[str] = Counter()
        self.delivered: set[bytes] = set()
        "Messages that were answered with 200."
        self.interrupted = 0
        "How often a replica has ended or stood still while there was a grant, which may have been its own."

    def ask(self) -> tuple[bytes, bytes]:
        """The content of the next message, and its request."""
        self.sent += 1
        content = b"%d" % self.sent
        return content, request(b"POST /orders", body=content)

    async def send(self, replica: Replica) -> Answer | None:
        """The answer to one message; None if the connection was cut, which only a killed replica does."""
        content, octets = self.ask()
        try:
            sender = await Sender.connect(replica.port)
            try:
                answered = await sender.ask(octets)
            finally:
                sender.leave()
        except (ConnectionError, EOFError):
            assert replica.was_killed
            self.told["cut"] += 1
            return None
        if answered.field(b"Proxy-Status"):
            assert answered.code in HONEST, answered
            self.told[answered.code] += 1
        else:
            assert (answered.status, answered.body) in {(200, b"delivered"), (401, b"")}, answered
            self.told[str(answered.status)] += 1
        if answered.status == 200:
            self.delivered.add(content)
        return answered

    def vary(self) -> None:
        """From now on messages and grants take some time, some tokens live short, and some are voided by others."""
        chance, void = self.cluster.chance, self.void
        void.takes = lambda: chance.uniform(0, 2 * SCALE.takes)
        void.grant_takes = lambda: chance.choice((0.0, chance.uniform(0, SLOWEST * SCALE.lease)))
        void.lifetime = lambda: chance.choice((3600, SCALE.lifetime, SCALE.lifetime))

    async def settles(self) -> None:
        """Wait until all replicas deliver with the one token that is valid, and none asks for another."""
        async with asyncio.timeout(PATIENCE):
            while True:
                grants = self.void.grants
                answers = await asyncio.gather(*(self.send(each) for each in self.cluster.serving))
                if all(each and each.status == 200 for each in answers) and self.void.grants == grants:
                    return

    async def _send(self, _: int, replica: Replica) -> None:
        if not self.cluster.chance.randrange(SCALE.messages // 3):
            self.void.void()
        await self.send(replica)

    def _died(self) -> None:
        published_at = self.void.granted_at + PUBLISHING
        self.interrupted += bool(self.void.granting) or asyncio.get_running_loop().time() < published_at


@pytest.fixture
async def world(postgres_server: PostgresServer, database: str, tmp_path: Path) -> AsyncIterator[World]:
    """Four replicas that run."""
    cluster = Cluster(tmp_path, postgres_server, database, program=SCALE.program, chance=random.Random(SEED))
    void = VoidingTenant()
    async with void, cluster:
        url = f"{void.url}/oauth2/api/v1/token"
        client = {"token_url": url, "client_id": "id", "client_secret": "s", "provider": "neo"}
        cluster.write(
            oauth_clients={"orders": client},
            routes=[{"path": "/orders", "upstream": f"{void.url}/http/orders", "oauth_client": "orders"}],
        )
        await cluster.add_many(REPLICAS)
        yield World(cluster, void)


async def test_a_holder_of_the_lease_that_is_killed_costs_one_grant(world: World) -> None:
    """One of the others makes it, when the lease has ended."""
    void, (dying, *others) = world.void, world.cluster.serving
    void.hold = asyncio.Event()
    first = asyncio.create_task(world.send(dying))
    async with asyncio.timeout(PATIENCE):
        await void.asked.wait()
    waiting = [asyncio.create_task(world.send(each)) for each in others * 2]
    await dying.kill()
    void.hold.set()
    world.cluster.serving.remove(dying)
    await asyncio.gather(first, *waiting)
    assert (world.told, void.grants, void.refused) == ({"cut": 1, "200": 6}, 2, 0)


async def test_deaths_and_outages_cost_no_message(world: World) -> None:
    """Whatever happens, each message is answered, none arrives twice, and there are no more grants than are explained.

    An answer is the tenant's, or a problem document of the proxy; only a replica that is killed cuts connections.
    A grant is extra if one process would not have made it: the token before it is valid, and not half as old as it may
    become. There is at most one extra grant for each replica that was killed, stopped or stood still while a grant was
    made, or just after it. While a replica has lost its store, it makes a grant if it has no usable token, and another
    when that has expired or was refused; one more is made when the store is there again. After each round all
    replicas deliver with the same token, and no further grant is made.
    """
    tell(SEED=SEED)
    void, cluster, clock = world.void, world.cluster, asyncio.get_running_loop()
    world.vary()
    await world.settles()
    figures = Counter[str]()
    for _ in range(SCALE.rounds):
        extra, interrupted, began = void.extra, world.interrupted, clock.time()
        outages = cluster.outages - cluster.away
        await world.troubles.round(SCALE.messages)
        await world.settles()
        extra, deaths, outages = void.extra - extra, world.interrupted - interrupted, cluster.outages - outages
        alone = outages * (2 + (clock.time() - began) / SCALE.alone)
        tell(extra=extra, deaths=deaths, outages=outages, seconds=round(clock.time() - began))
        assert extra <= deaths + alone
        figures["extra_in_outages" if outages else "extra_otherwise"] += extra
        figures["deaths"] += deaths
        figures["outages"] += outages
    tell(messages=world.sent, told=dict(world.told), grants=void.grants, **figures, troubles=world.troubles.figures)
    assert set(void.arrived.values()) == {1}
    assert world.delivered <= void.arrived.keys()
    assert world.told.total() == world.sent
    assert cluster.faults == []
