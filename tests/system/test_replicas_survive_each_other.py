"""Four replicas as processes, whose tenant voids a token with each grant: they are killed, and so is their database."""

import asyncio
import base64
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from tests.fakes.postgres import PostgresServer
from tests.fakes.sender import Sender, request
from tests.fakes.voiding_tenant import VoidingTenant
from tests.system.command import PATIENCE, Proxy, document

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.timeout(300)]

REPLICAS, MESSAGES = 4, 200
HONEST = {200, 502, 503, 504}


@pytest.fixture
async def void() -> AsyncIterator[VoidingTenant]:
    """A tenant each of whose grants voids the token before."""
    async with VoidingTenant() as started:
        yield started


@pytest.fixture
def file(postgres_server: PostgresServer, database: str, void: VoidingTenant, tmp_path: Path) -> Path:
    """The configuration of all replicas."""
    (tmp_path / "keys").write_bytes(base64.b64encode(os.urandom(32)))
    password = str(postgres_server.password_file)
    store = {"postgres": postgres_server.url(database), "password_file": password, "keys_file": "keys"}
    url = f"{void.url}/oauth2/api/v1/token"  # that of a client on Neo
    path = tmp_path / "proxy.yaml"
    path.write_text(json.dumps(document(f"{void.url}/http/orders", url, store=store)))
    return path


class Replicas:
    """The running ones, and what the senders were told."""

    def __init__(self, file: Path, stack: AsyncExitStack) -> None:
        self._file, self._stack = file, stack
        self.running: list[Proxy] = []
        self.statuses: dict[int, int] = {}
        "By the number of the message; 0 for a connection that was lost."

    async def add(self) -> None:
        self.running.append(await self._stack.enter_async_context(Proxy(self._file)))

    async def kill(self) -> None:
        """End the first by SIGKILL."""
        killed = self.running.pop(0)
        killed.send(signal.SIGKILL)
        await killed.ends()

    async def send(self, number: int) -> None:
        """One message, to any of them."""
        replica = self.running[number % len(self.running)]
        self.statuses[number] = 0
        with suppress(ConnectionError, EOFError):
            sender = await Sender.connect(replica.port)
            try:
                async with asyncio.timeout(PATIENCE):
                    self.statuses[number] = (await sender.ask(request(b"POST /orders", body=b"%d" % number))).status
            finally:
                sender.leave()

    async def send_many(self, first: int) -> None:
        """A few at a time."""
        for number in range(first, first + MESSAGES, 4):
            await asyncio.gather(*(self.send(each) for each in range(number, number + 4)))


@pytest.fixture
async def replicas(file: Path) -> AsyncIterator[Replicas]:
    """Four that run."""
    async with AsyncExitStack() as stack:
        started = Replicas(file, stack)
        for _ in range(REPLICAS):
            await started.add()
        yield started


async def test_a_holder_of_the_lease_that_is_killed_costs_one_grant(replicas: Replicas, void: VoidingTenant) -> None:
    """One of the others makes it, when the lease has ended."""
    void.hold = asyncio.Event()
    dying = asyncio.create_task(replicas.send(0))
    async with asyncio.timeout(PATIENCE):
        await void.asked.wait()
    others = [asyncio.create_task(replicas.send(number)) for number in (1, 2, 3, 5, 6, 7)]
    await replicas.kill()
    void.hold.set()
    await asyncio.gather(dying, *others)
    assert sorted(replicas.statuses.values()) == [0] + [200] * 6
    assert (void.grants, void.refused) == (2, 0)


async def test_deaths_and_outages_cost_no_message(
    replicas: Replicas, void: VoidingTenant, postgres_server: PostgresServer
) -> None:
    """Each has an answer of the tenant or an honest error."""
    first = 0
    for trouble in ("none", "pause", "resume", "kill", "restart", "crash", "start"):
        sending = asyncio.create_task(replicas.send_many(first))
        first += MESSAGES
        match trouble:
            case "pause":
                postgres_server.pause()
            case "resume":
                postgres_server.resume()
            case "kill":
                await replicas.kill()
                await replicas.add()
            case "restart":
                await replicas.running.pop(0).stop()
                await replicas.add()
            case "crash":
                await asyncio.to_thread(postgres_server.stop, signal.SIGQUIT)
            case "start":
                await asyncio.to_thread(postgres_server.start)
        await sending
    counted = Counter(replicas.statuses.values())
    assert len(replicas.statuses) == first
    assert counted.keys() <= {0, *HONEST}
    assert counted[200] > first - 3 * MESSAGES / 4
    answered = [number for number, status in replicas.statuses.items() if status == 200]
    assert all(void.arrived[b"%d" % number] == 1 for number in answered)
    assert void.grants <= 2  # one, and one for the replica that died
