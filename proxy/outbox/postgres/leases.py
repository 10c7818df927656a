"""What this process is delivering: each message is its own for the time of a lease, which a heartbeat extends.

Each lease is counted from before the statement that takes or extends it, by the clocks of this process. So a process
that stood still knows that another may have taken over what it was about to send.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from proxy.clock import Clock
from proxy.errors import ProxyError
from proxy.oauth.token import Moment
from proxy.outbox.postgres import settling
from proxy.outbox.postgres.batches import Batches
from proxy.outbox.postgres.settling import Settled

LEASE = 30.0
"Seconds; with the look at what nobody told (waking.py) what a dead replica had is taken over within 60."
BEATS = 3
"Heartbeats in one lease."


@dataclass(frozen=True, slots=True)
class Lease:
    """One message that was taken."""

    route: str
    fence: int
    body: str | None
    "The name of its large body."
    until: Moment


class Leases:
    """The messages that were taken and are not settled."""

    def __init__(
        self, batches: Batches, *, lease: float, clock: Clock, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self._batches, self._lease, self._clock, self._sleep = batches, lease, clock, sleep
        self._leases: dict[str, Lease] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to extend leases."""
        self._task = asyncio.get_running_loop().create_task(self._beat())

    @property
    def running(self) -> list[str]:
        """The ids of what is being delivered here."""
        return list(self._leases)

    def of(self, id_: str) -> Lease | None:
        """Returns the lease of a message, which another replica may have taken over."""
        return self._leases.get(id_)

    def new_end(self) -> Moment:
        """Returns the end of a lease that begins now."""
        return Moment.now(self._clock).after(self._lease)

    def add(self, id_: str, lease: Lease) -> None:
        """Notes a message that was taken."""
        self._leases[id_] = lease

    def is_held(self, id_: str) -> bool:
        """Whether no other replica can have taken the message over yet."""
        lease = self.of(id_)
        return lease is not None and not lease.until.is_reached(Moment.now(self._clock))

    def extended(self, id_: str, until: Moment) -> None:
        """Notes that a lease was extended, unless it has ended meanwhile."""
        if id_ in self._leases:
            self._leases[id_] = replace(self._leases[id_], until=until)

    def end(self, id_: str) -> None:
        """Notes that a message was settled."""
        self._leases.pop(id_, None)

    async def extend(self) -> None:
        """Extends all leases."""
        held = [Settled(id=id_, fence=lease.fence) for id_, lease in self._leases.items()]
        if not held:
            return
        until = self.new_end()
        for each, is_ours in zip(held, await self._batches.submit(settling.extend, held), strict=True):
            if is_ours:
                self.extended(each.id, until)

    async def close(self) -> None:
        """Extends no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _beat(self) -> None:
        while True:
            await self._sleep(self._lease / BEATS)
            try:
                await self.extend()
            except ProxyError:
                continue  # the store is away, which was told; if it is so for long, others take the messages over
