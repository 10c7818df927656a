"""Delivers the messages of one route: so many at a time, when they are due, as the route is configured now."""

import asyncio

from proxy.config.outbox import OutboxSettings
from proxy.errors import OutboxUnavailable
from proxy.forwarding.routes import Route
from proxy.observe.reports import frames
from proxy.outbox.circuit_breaker import admit
from proxy.outbox.deliverer import STORE_PAUSE, Deliverer
from proxy.outbox.message import TakenMessage
from proxy.outbox.running_delivery import RunningDelivery

LONGEST_SLEEP = 60.0
"Seconds until a message that is not due yet is looked at again, because the wall clock may jump."
MOST_UNSTORED = 64
"Deliveries of a route whose end is not stored yet; then no more begin."


class Dispatcher:
    """Sleeps until a message is due, a delivery ends, or the store tells that something has changed."""

    def __init__(self, route: Route, settings: OutboxSettings, deliverer: Deliverer) -> None:
        self._route, self._settings, self._deliverer = route, settings, deliverer
        self._running: set[RunningDelivery] = set()
        "Those that the upstream has not answered yet."
        self._unstored: set[RunningDelivery] = set()
        "Those whose end is not stored yet."
        self._changed = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Dispatcher {self._route.name}, {len(self._running)} running>"

    @property
    def running(self) -> int:
        """How many deliveries are running."""
        return len(self._running)

    def start(self) -> None:
        """Begins to deliver."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def apply(self, route: Route, settings: OutboxSettings) -> None:
        """Delivers as the route is configured now. Running deliveries end as they began."""
        self._route, self._settings = route, settings
        self.changed()

    def changed(self) -> None:
        """Looks again for messages that are due."""
        self._changed.set()

    async def stop(self) -> None:
        """Begins no more deliveries; those that run go on."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait([task])
        self._disarm()

    async def _run(self) -> None:
        while True:
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
        deliverer, route = self._deliverer, self._route
        room = min(self._settings.concurrency - len(self._running), MOST_UNSTORED - len(self._unstored))
        if room <= 0:
            return
        most, probes = admit(deliverer.breakers_of(route), room, self.changed)
        if not most:
            return
        taken: list[TakenMessage] = []
        try:
            taken += await deliverer.store.take(route.name, most=most, now=deliverer.wall())
        finally:
            if not taken:
                for each in probes:
                    each.abandon()
        deliverer.store_answered()
        for message in taken:
            delivery = RunningDelivery(
                message,
                self._route,
                self._settings,
                deliverer,
                probes=probes,
                answered=self._delivery_answered,
                ended=self._delivery_ended,
            )
            self._running.add(delivery)
            delivery.start()
        if len(taken) < most:
            due = await deliverer.store.next_due(route.name)
            if due is not None:
                self._wake_in(min(due - deliverer.wall(), LONGEST_SLEEP))

    def _crashed(self, error: BaseException) -> None:
        logger = self._deliverer.log.logger
        logger.error("dispatcher.crashed", route=self._route.name, error=type(error).__name__, where=frames(error))

    def _delivery_answered(self, delivery: RunningDelivery) -> None:
        self._running.discard(delivery)
        self._unstored.add(delivery)
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
