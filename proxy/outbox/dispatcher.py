"""Delivers the messages of one route: so many at a time, when they are due, as the route is configured now.

While answers come quickly, some messages are taken ahead. So the next one begins in the very call that brings an
answer: its beginning and the end of the one before are one commit. What did not begin soon is given back.
"""

import asyncio
from collections import deque

from proxy.config.outbox import OutboxSettings
from proxy.errors import OutboxUnavailable
from proxy.forwarding.routes import Route
from proxy.observe.reports import frames
from proxy.outbox.circuit_breaker import Probes, admit
from proxy.outbox.deliverer import STORE_PAUSE, Deliverer
from proxy.outbox.expiry import Expiry
from proxy.outbox.message import TakenMessage
from proxy.outbox.running_delivery import RunningDelivery

LONGEST_SLEEP = 60.0
"Seconds until a message that is not due yet is looked at again, because the wall clock may jump."
MOST_UNSTORED = 64
"Deliveries of a route whose end is not stored yet; then no more begin."
MOST_AHEAD = 16
"Messages that are taken ahead; not more than deliveries at a time."
SOON = 1.0
"Seconds after an answer in which messages are taken ahead, and for which they are kept."


class Dispatcher:
    """Sleeps until a message is due, a delivery ends, or the store tells that something has changed."""

    def __init__(self, route: Route, settings: OutboxSettings, deliverer: Deliverer) -> None:
        self._route, self._settings, self._deliverer = route, settings, deliverer
        self._running: set[RunningDelivery] = set()
        "Those that the upstream has not answered yet."
        self._unstored: set[RunningDelivery] = set()
        "Those whose end is not stored yet."
        self._ahead: deque[TakenMessage] = deque()
        self._progress = -SOON
        "When an answer came last."
        self._changed = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._ahead_alarm: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._expiry = Expiry(route.name, settings, deliverer, crashed=self._crashed)

    def __repr__(self) -> str:
        return f"<Dispatcher {self._route.name}, {len(self._running)} running>"

    @property
    def running(self) -> int:
        """How many deliveries are running."""
        return len(self._running)

    def start(self) -> None:
        """Begins to deliver."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._expiry.start()

    def apply(self, route: Route, settings: OutboxSettings) -> None:
        """Delivers as the route is configured now. Running deliveries end as they began."""
        self._route, self._settings, self._expiry.settings = route, settings, settings
        self.changed()

    def changed(self) -> None:
        """Looks again for messages that are due."""
        self._changed.set()

    def stored(self) -> None:
        """Looks again, because the store says that something has changed."""
        self.changed()
        self._expiry.changed()

    def accepted(self, lifetime: float) -> None:
        """Notes when a message becomes too old that was accepted now; also of one that is not due."""
        self._expiry.accepted(lifetime)

    def stop(self) -> None:
        """Begins no more deliveries; those that run go on.

        What the store still hands over is given back. A cancelled task would lose what it was handed a moment before.
        """
        self._stopped = True
        self._expiry.stop()
        self._disarm()
        self._give_back()
        self.changed()

    async def _run(self) -> None:
        while not self._stopped:
            self._changed.clear()
            try:
                await self._begin_due()
            except OutboxUnavailable as error:
                self._deliverer.store_failed(error)
                self._wake_in(STORE_PAUSE)
            except Exception as error:  # noqa: BLE001 - a fault of one look must not end all deliveries of the route
                self._crashed(error)
                self._wake_in(STORE_PAUSE)
            await self._changed.wait()

    async def _begin_due(self) -> None:
        """Begins what is due, as far as concurrency and circuit breakers admit it."""
        self._begin_ahead()
        breakers, room = self._deliverer.breakers_of(self._route), self._room
        most, probes = admit(breakers, room, self.changed) if room > 0 else (0, ())
        if room > 0 and not most:
            return
        most += 0 if probes else self._wanted_ahead()
        if not most:
            return
        taken = await self._take(most, probes)
        if probes and not self._stopped:
            for message in taken:
                self._begin(message, probes)
        else:
            self._ahead.extend(taken)
            self._begin_ahead()
            self._keep_ahead()
        if len(taken) < most and not self._stopped:
            due = await self._deliverer.store.next_due(self._route.name)
            if due is not None and not self._stopped:
                self._wake_in(min(due - self._deliverer.wall(), LONGEST_SLEEP))

    async def _take(self, most: int, probes: Probes) -> list[TakenMessage]:
        taken: list[TakenMessage] = []
        try:
            taken += await self._deliverer.store.take(self._route.name, most=most, now=self._deliverer.wall())
        finally:
            if not taken or self._stopped:
                for each in probes:
                    each.abandon()
        self._deliverer.store_answered()
        return taken

    @property
    def _room(self) -> int:
        """How many deliveries may begin."""
        return self._settings.concurrency - len(self._running) if len(self._unstored) < MOST_UNSTORED else 0

    def _wanted_ahead(self) -> int:
        """Returns how many messages are to be taken that do not begin at once; some together, to ask less often."""
        most = min(self._settings.concurrency, MOST_AHEAD)
        if len(self._ahead) > most // 2 or self._deliverer.timer.time() - self._progress >= SOON:
            return 0
        return most - len(self._ahead)

    def _begin_ahead(self) -> None:
        """Begins what was taken ahead, or gives it back if its upstream is away or the dispatcher is stopped."""
        if self._stopped or any(each.failures for each in self._deliverer.breakers_of(self._route)):
            self._give_back()
        while self._ahead and self._room > 0:
            self._begin(self._ahead.popleft(), ())

    def _keep_ahead(self) -> None:
        """Gives back after a while what was taken ahead."""
        if self._ahead and self._ahead_alarm is None:
            self._ahead_alarm = self._deliverer.timer.call_later(SOON, self._kept_ahead)

    def _kept_ahead(self) -> None:
        self._ahead_alarm = None
        if self._deliverer.timer.time() - self._progress >= SOON:
            self._give_back()
        else:
            self._keep_ahead()

    def _give_back(self) -> None:
        while self._ahead:
            self._delivery_of(self._ahead.popleft(), ()).give_back()

    def _begin(self, message: TakenMessage, probes: Probes) -> None:
        delivery = self._delivery_of(message, probes)
        self._running.add(delivery)
        delivery.start()

    def _delivery_of(self, message: TakenMessage, probes: Probes) -> RunningDelivery:
        return RunningDelivery(
            message,
            self._route,
            self._settings,
            self._deliverer,
            probes=probes,
            answered=self._delivery_answered,
            ended=self._delivery_ended,
        )

    def _crashed(self, error: BaseException) -> None:
        logger = self._deliverer.log.logger
        logger.error("dispatcher.crashed", route=self._route.name, error=type(error).__name__, where=frames(error))

    def _delivery_answered(self, delivery: RunningDelivery) -> None:
        self._running.discard(delivery)
        self._unstored.add(delivery)
        self._progress = self._deliverer.timer.time()
        self._begin_ahead()
        self.changed()

    def _delivery_ended(self, delivery: RunningDelivery) -> None:
        self._running.discard(delivery)
        self._unstored.discard(delivery)
        self.changed()

    def _wake_in(self, seconds: float) -> None:
        self._disarm()
        if seconds <= 0:
            self.changed()
            return
        self._alarm = self._deliverer.timer.call_later(seconds, self.changed)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
