"""The outboxes of all routes: which dispatchers there are, and how they start, follow a reload, and stop."""

from collections.abc import Callable, Mapping, Sequence

from proxy.clock import Clock
from proxy.config.outbox import OutboxSettings
from proxy.errors import OutboxUnavailable
from proxy.forwarding.routes import Route
from proxy.observe.metrics import Metrics
from proxy.observe.process_log import ProcessLog
from proxy.outbox.circuit_breaker import Timer
from proxy.outbox.deliverer import Deliverer
from proxy.outbox.dispatcher import Dispatcher
from proxy.outbox.failures import RETRY_AFTER
from proxy.outbox.message import RouteSummary
from proxy.outbox.store import OutboxStore


class Outboxes:
    """Made once per process; without a store until `open`."""

    def __init__(
        self, *, clock: Clock, timer: Timer, log: ProcessLog, metrics: Metrics, random: Callable[[], float]
    ) -> None:
        self._clock, self._timer, self._log, self._metrics, self._random = clock, timer, log, metrics, random
        self._deliverer: Deliverer | None = None
        self._routes: Mapping[str, Route] = {}
        self._dispatchers: dict[str, Dispatcher] = {}
        self._stranded: set[str] = set()
        "Routes that have gone, and were logged."
        self._watching: set[Callable[[str], object]] = set()
        self.is_awaited = False
        "Whether the folder is waited for, although no route may have an outbox."

    @property
    def is_open(self) -> bool:
        """Whether there is a store."""
        return self._deliverer is not None

    def store(self) -> OutboxStore:
        """Returns the store. Raises OutboxUnavailable as long as there is none."""
        if self._deliverer is None:
            raise OutboxUnavailable(
                "The folder of the outbox is not open yet; send the message again later.", retry_after=RETRY_AFTER
            )
        return self._deliverer.store

    def store_if_any(self) -> OutboxStore | None:
        """Returns the store, or None if there is nothing to keep. Raises OutboxUnavailable until it is open."""
        if self.is_open or self.is_awaited or any(route.settings.outbox for route in self._routes.values()):
            return self.store()
        return None

    def watch(self, changed: Callable[[str], object]) -> Callable[[], None]:
        """Calls `changed` with the name of each route whose messages have changed, until the result is called."""
        self._watching.add(changed)
        return lambda: self._watching.discard(changed)

    def tell(self, route: str) -> None:
        """Tells those who watch that messages of the route have changed."""
        for changed in list(self._watching):
            changed(route)

    def accepted(self, route: str, lifetime: float) -> None:
        """Notes that a message was accepted that may live for so many seconds, and tells those who watch."""
        dispatcher = self._dispatchers.get(route)
        if dispatcher is not None:
            dispatcher.accepted(lifetime)
        self.tell(route)

    def probe_now(self, name: str) -> None:
        """Tries the upstream of a route at once, although it was away a moment ago."""
        route = self._routes.get(name)
        if route is not None and self._deliverer is not None:
            for breaker in self._deliverer.breakers_of(route):
                breaker.probe_now()

    async def open(self, store: OutboxStore) -> None:
        """Begins to deliver what the store has; returns before anything is delivered."""
        self._deliverer = Deliverer(
            store,
            clock=self._clock,
            timer=self._timer,
            log=self._log,
            metrics=self._metrics,
            random=self._random,
            settled=self.tell,
        )
        store.on_change(self._changed)
        await self.apply(self._routes)

    async def apply(self, routes: Mapping[str, Route]) -> None:
        """Delivers by these routes from now on: those with an outbox, and those of which messages are kept."""
        self._routes = routes
        deliverer = self._deliverer
        if deliverer is None:
            return
        for name in [each for each in self._dispatchers if each not in routes]:
            self._dispatchers.pop(name).stop()
        kept = await self._kept() or ()
        named = {each.route for each in kept}
        for name, route in routes.items():
            settings = route.settings.outbox
            if settings is None and name not in named and name not in self._dispatchers:
                continue
            if name in self._dispatchers:
                self._dispatchers[name].apply(route, settings or OutboxSettings())
            else:
                self._dispatch(route, deliverer)
        deliverer.keep_breakers(list(routes.values()))
        self._tell_stranded(kept)

    async def _kept(self) -> Sequence[RouteSummary] | None:
        if self._deliverer is None:
            return None
        try:
            return await self._deliverer.store.routes()
        except OutboxUnavailable as error:
            self._deliverer.store_failed(error)
            return None

    def stop(self) -> None:
        """Begins no more deliveries."""
        if self._deliverer is not None:
            self._deliverer.draining = True
        for each in self._dispatchers.values():
            each.stop()

    async def emptied(self, seconds: float) -> None:
        """Returns when no delivery is running, or after that time."""
        if self._deliverer is not None:
            await self._deliverer.emptied(seconds)

    async def close(self) -> None:
        """Ends what still waits, and closes the store."""
        if self._deliverer is not None:
            self._deliverer.stop()
            await self._deliverer.store.close()

    def _changed(self, route: str) -> None:
        self.tell(route)
        dispatcher = self._dispatchers.get(route)
        if dispatcher is not None:
            dispatcher.stored()
        elif route in self._routes and self._deliverer is not None and not self._deliverer.draining:
            self._dispatch(self._routes[route], self._deliverer)  # another replica has accepted it

    def _dispatch(self, route: Route, deliverer: Deliverer) -> None:
        dispatcher = Dispatcher(route, route.settings.outbox or OutboxSettings(), deliverer)
        self._dispatchers[route.name] = dispatcher
        dispatcher.start()

    def _tell_stranded(self, kept: Sequence[RouteSummary]) -> None:
        """Logs once which routes have gone although messages of theirs are kept."""
        gone = {each.route: each for each in kept if each.route not in self._routes}
        for name, each in gone.items():
            if name not in self._stranded:
                detail = (
                    "This route is no longer configured; its messages are kept. Configure it again, or discard them."
                )
                self._log.logger.warning(
                    "outbox.stranded", route=name, waiting=each.waiting, dead=each.dead, detail=detail
                )
        self._stranded = set(gone)
