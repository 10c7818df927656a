"""Wakes deliveries: what this process committed, what others notify, and now and then what nobody told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

from proxy.outbox.postgres import taking
from proxy.outbox.postgres.batches import WITHIN
from proxy.outbox.postgres.bodies import Bodies
from proxy.outbox.postgres.failures import FAILURES
from proxy.outbox.postgres.transaction import TOPIC, Owner
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.database import Database
from proxy.store.postgres.notifications import CHANNEL
from proxy.store.postgres.transactions import transact
from proxy.store.tokens import StoreUnreachable

LISTENING = 15.0
"Seconds between two looks at what is due while notifications arrive: one may have been lost, or a replica."
ALONE = 3.0
"Seconds between two looks where they do not arrive."
LOOKS: Final = 40
"Of so many looks one sweeps."


class Waking:
    """Calls `changed` with a route's name when one of its messages may have become due."""

    def __init__(
        self, database: Database, owner: Owner, bodies: Bodies, *, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self._database, self._owner, self._bodies, self._sleep = database, owner, bodies, sleep
        self._own = f"{owner.name.hex()} "
        self.changed: Callable[[str], None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look and to listen."""
        self._database.notifications.pass_on(TOPIC, self._notified)
        self._task = asyncio.get_running_loop().create_task(self._look_now_and_then())

    def wake(self, routes: Iterable[str]) -> None:
        """Wakes the deliveries of these routes."""
        if self.changed is not None:
            for route in routes:
                self.changed(route)

    async def look(self) -> None:
        """Wakes the deliveries of all routes that have messages. Raises what FAILURES has."""
        await transact(self._database, partial(taking.shorten, owner=self._owner), within=WITHIN)
        self.wake(await self._database.run(taking.active, within=WITHIN))

    async def tell(self, routes: Iterable[str]) -> None:
        """Notifies the other replicas, if that can be."""
        told = [f"{TOPIC} {self._own}{route}" for route in routes]

        async def notify(connection: Connection) -> None:
            await connection.execute(
                "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS told (payload)", (CHANNEL, told)
            )

        try:
            await self._database.run(notify, within=WITHIN)
        except StoreUnreachable:
            return  # they look now and then

    async def close(self) -> None:
        """Looks and listens no more."""
        self._database.notifications.pass_on(TOPIC, None)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _notified(self, text: str) -> None:
        if not text.startswith(self._own):
            self.wake([text.partition(" ")[2]])

    async def _look_now_and_then(self) -> None:
        looks = 0
        while True:
            try:
                await self.look()
                is_sweeping = looks % LOOKS == 0
                while is_sweeping:
                    is_sweeping = await self._bodies.sweep()
            except FAILURES:
                pass  # the database tells that it is away; it is looked again
            looks += 1
            await self._sleep(LISTENING if self._database.listening else ALONE)
