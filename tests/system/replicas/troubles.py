"""What happens to replicas and their database while messages are sent: drawn at random, for some messages each."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable
from enum import Enum

from tests.system.proving import SEED
from tests.system.replicas.cluster import Cluster
from tests.system.replicas.load import Load


class Trouble(Enum):
    """One kind."""

    KILLED = "a replica is killed"
    RESTARTED = "a replica is stopped"
    STILL = "a replica stands still"
    DATABASE_STOPPED = "the database is stopped"
    DATABASE_KILLED = "the database is killed"
    DATABASE_STILL = "the database stands still"
    BACKENDS_STILL = "some processes of the database stand still"
    DATABASE_STUTTERS = "again and again some processes of the database stand still for a moment"
    BACKEND_KILLED = "a process of the database is killed"


MOST = 3
"In a round."


class Troubles:
    """Rounds of messages with troubles. After each all replicas run, and so does the database."""

    def __init__(
        self,
        cluster: Cluster,
        load: Load,
        *,
        busy: Callable[[], list[int]] = list,
        died: Callable[[], None] = lambda: None,
    ) -> None:
        """`busy` tells ports of replicas that it is worst for; `died` is called when one has ended or stands still."""
        self._cluster, self._load, self._busy, self._died = cluster, load, busy, died
        self._chance = random.Random(SEED)
        "Its own, so that nothing else decides what is drawn."
        self._database = asyncio.Lock()
        "One trouble of the database at a time."
        self._counted: Counter[Trouble] = Counter()

    @property
    def figures(self) -> dict[str, int]:
        """How often each has happened."""
        return {trouble.name.lower(): count for trouble, count in self._counted.items()}

    async def round(self, messages: int) -> None:
        """Send so many messages; nothing, or up to three things happen meanwhile."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._load.run(messages))
            for trouble in self._chance.choices(list(Trouble), k=self._chance.randrange(MOST + 1)):
                begin, end = sorted(self._chance.randrange(messages) for _ in range(2))
                group.create_task(self._happens(trouble, begin, messages if trouble is Trouble.STILL else end))
        await self._cluster.reaches_store()

    async def _happens(self, trouble: Trouble, begin: int, end: int) -> None:
        await self._load.reaches(begin)
        if trouble in {Trouble.KILLED, Trouble.RESTARTED, Trouble.STILL}:
            await self._befalls_replica(trouble, end)
        else:
            async with self._database:
                self._counted[trouble] += 1
                await self._befalls_database(trouble, end)

    async def _befalls_replica(self, trouble: Trouble, end: int) -> None:
        replica = self._cluster.taken(self._busy())
        if replica is None:
            return
        self._counted[trouble] += 1
        if trouble is Trouble.STILL:
            replica.send(signal.SIGSTOP)
            self._died()
            await self._load.reaches(end)
            replica.send(signal.SIGCONT)
            self._cluster.serving.append(replica)
        else:
            await (replica.kill() if trouble is Trouble.KILLED else replica.stop())
            self._died()
            await self._cluster.add()

    async def _befalls_database(self, trouble: Trouble, end: int) -> None:
        server = self._cluster.server
        if trouble is Trouble.BACKEND_KILLED:
            await asyncio.to_thread(server.kill_one, self._cluster.chance)
        elif trouble is Trouble.DATABASE_STUTTERS:
            for message in range(self._load.answered + 1, end, 2):
                server.pause_some(self._cluster.chance)
                await self._load.reaches(message)
                server.resume()
                await self._load.reaches(message + 1)
        elif trouble in {Trouble.DATABASE_STILL, Trouble.BACKENDS_STILL}:
            server.pause() if trouble is Trouble.DATABASE_STILL else server.pause_some(self._cluster.chance)
            await self._load.reaches(end)
            server.resume()
        else:
            await asyncio.to_thread(server.stop if trouble is Trouble.DATABASE_STOPPED else server.kill)
            await self._load.reaches(end)
            await asyncio.to_thread(server.start)
