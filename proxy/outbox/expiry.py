"""Messages of one route whose time is over become dead letters, whatever keeps them from being delivered.

A look at their ages costs one question to the store, and says when to look again. So there is one timer for a route,
and none if nothing waits. What takes messages does not do it: it asks for none while nothing can be delivered.
"""

import asyncio
from collections.abc import Callable

from proxy.config.outbox import OutboxSettings
from proxy.errors import OutboxUnavailable
from proxy.outbox.deliverer import STORE_PAUSE, Deliverer
from proxy.outbox.delivery_log import tell_dead
from proxy.outbox.message import DeadLetterCode

MOST = 200
"Messages that die in one transaction, so that those that are accepted and delivered meanwhile do not wait for many."
PAUSE = 1.0
"Seconds between two looks, unless more messages are there whose time is over."
LONGEST_SLEEP = 60.0
"Seconds until the next look, because the wall clock may jump, and another process may have accepted a message."


class Expiry:
    """Looks from `start` to `stop`, when the time of a message is over."""

    def __init__(
        self,
        route: str,
        settings: OutboxSettings,
        deliverer: Deliverer,
        *,
        crashed: Callable[[Exception], None],
    ) -> None:
        """`crashed` gets a fault of ours."""
        self._route, self._deliverer, self._crashed = route, deliverer, crashed
        self.settings = settings
        self._due = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._looked_at = -PAUSE
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Looks for the first time: a message may have become too old while no process ran."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def changed(self) -> None:
        """Looks again soon, because a message may become too old before the next look."""
        self._look_within(self._looked_at + PAUSE - self._deliverer.timer.time())

    def accepted(self, seconds: float) -> None:
        """Looks again when a message becomes too old that has been accepted: after so many seconds."""
        self._look_within(min(seconds, LONGEST_SLEEP))

    def stop(self) -> None:
        """Looks no more."""
        self._stopped = True
        self._disarm()
        self._due.set()

    async def _run(self) -> None:
        while not self._stopped:
            self._due.clear()
            self._disarm()
            self._looked_at = self._deliverer.timer.time()
            try:
                seconds = await self._look()
            except OutboxUnavailable as error:
                self._deliverer.store_failed(error)
                seconds = STORE_PAUSE
            except Exception as error:  # noqa: BLE001 - a fault of one look must not end all of them
                self._crashed(error)
                seconds = STORE_PAUSE
            if seconds is not None:
                self._look_within(min(seconds, LONGEST_SLEEP))
            await self._due.wait()

    async def _look(self) -> float | None:
        """Returns the seconds until the next look, or None if nothing waits."""
        deliverer, has_found = self._deliverer, False
        while not self._stopped:
            now = deliverer.wall()
            expired = await deliverer.store.expire(self._route, most=MOST, now=now, interrupted=self._interrupted)
            deliverer.store_answered()
            for each in expired.messages:
                tell_dead(deliverer, self._route, each)
            if expired.messages:
                has_found = True
                deliverer.settled(self._route)
            if expired.is_whole:
                if expired.next_at is None:
                    return None
                seconds = expired.next_at - deliverer.wall()
                return max(seconds, PAUSE) if has_found or seconds <= 0 else seconds
        return None

    @property
    def _interrupted(self) -> DeadLetterCode:
        """What a message is that may have arrived: expired only if it would have been sent again."""
        return DeadLetterCode.EXPIRED if self.settings.repeatable else DeadLetterCode.UNCERTAIN

    def _look_within(self, seconds: float) -> None:
        """Looks after so many seconds, unless it does so before."""
        if self._stopped:
            return
        at = self._deliverer.timer.time() + max(seconds, 0.0)
        if self._alarm is not None and self._alarm_at <= at:
            return
        self._disarm()
        self._alarm_at = at
        self._alarm = self._deliverer.timer.call_later(max(seconds, 0.0), self._due.set)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
