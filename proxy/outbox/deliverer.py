"""What all deliveries share: the store, clocks, the log, and the circuit breakers."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from proxy import timeouts
from proxy.clock import Clock
from proxy.errors import OutboxUnavailable
from proxy.forwarding.routes import Route
from proxy.observe.metrics import Metrics
from proxy.observe.process_log import ProcessLog
from proxy.outbox.circuit_breaker import CircuitBreaker, Timer
from proxy.outbox.store import OutboxStore

STORE_PAUSE = 1.0
"Seconds until a store that failed is asked again."


class Deliverer:
    """Made once per process."""

    def __init__(
        self,
        store: OutboxStore,
        *,
        clock: Clock,
        timer: Timer,
        log: ProcessLog,
        metrics: Metrics,
        random: Callable[[], float],
        settled: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`settled` is called with a route's name when a delivery of it has ended."""
        self.settled = settled
        self.store = store
        self.wall = clock.wall
        self.timer = timer
        self.log = log
        self.metrics = metrics
        self.random = random
        "Returns the jitter of a pause: 0 to 1."
        self.running: set[object] = set()
        "The deliveries that run, of all routes."
        self.draining = False
        "Whether no more deliveries begin, because the process ends."
        self.stopped = False
        "Whether the process ends now, so that nothing is waited for."
        self._empty = asyncio.Event()
        self._pauses: set[asyncio.Future[None]] = set()
        self._breakers: dict[object, CircuitBreaker] = {}
        self._is_away = False
        self._refused: set[object] = set()
        "What the store failed to store, and is asked for again. On a full disk it reads, but it does not write."

    def breakers_of(self, route: Route) -> tuple[CircuitBreaker, CircuitBreaker]:
        """Returns the circuit breakers of a route's token source and upstream."""
        return self._breaker(route.source), self._breaker(route.pool)

    def keep_breakers(self, routes: "list[Route]") -> None:
        """Forgets the circuit breakers of what no route uses any more; running deliveries have theirs."""
        used = {id(each) for route in routes for each in (route.source, route.pool)}
        for each in [each for each in self._breakers if id(each) not in used]:
            self._breakers.pop(each).stop()

    async def emptied(self, seconds: float) -> None:
        """Returns when no delivery is running, or after that time."""
        if self.running:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with timeouts.timeout(seconds):
                    await self._empty.wait()

    def ended(self, delivery: object) -> None:
        """Forgets a delivery that has ended."""
        self.running.discard(delivery)
        if not self.running:
            self._empty.set()

    async def until_stored(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Stores what became of a message, as often as necessary; gives up only if the process ends.

        Then the next process finds that the delivery was begun.
        """
        try:
            is_stored = await self._tried(settle)
        finally:
            self._refused.discard(settle)
        if is_stored:
            self.store_answered()

    async def pause(self, seconds: float) -> None:
        """Waits, but not longer than the process lives."""
        if self.stopped:
            return
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        handle = self.timer.call_later(seconds, lambda: end(ended))
        self._pauses.add(ended)
        try:
            await ended
        finally:
            self._pauses.discard(ended)
            handle.cancel()

    def store_failed(self, error: OutboxUnavailable) -> None:
        """Logs that the store cannot be used: once, until it can, and unless it does so itself."""
        if not self._is_away and not self.store.tells_outages:
            self._is_away = True
            self.log.logger.error("store.unreachable", detail=error.detail)

    def store_answered(self) -> None:
        """Logs that the store can be used again, if it has stored all that it had failed to store."""
        if self._is_away and not self._refused:
            self._is_away = False
            self.log.logger.info("store.reached")

    def stop(self) -> None:
        """Ends all waiting."""
        self.stopped = True
        for each in list(self._pauses):
            end(each)
        for breaker in self._breakers.values():
            breaker.stop()

    async def _tried(self, settle: Callable[[], Awaitable[None]]) -> bool:
        """Returns whether it was stored before the process ends."""
        while not self.stopped:
            try:
                await settle()
            except OutboxUnavailable as error:
                self._refused.add(settle)
                self.store_failed(error)
                await self.pause(STORE_PAUSE)
            else:
                return True
        return False

    def _breaker(self, guarded: object) -> CircuitBreaker:
        breaker = self._breakers.get(guarded)
        if breaker is None:
            breaker = self._breakers[guarded] = CircuitBreaker(self.timer)
        return breaker


def end(pause: "asyncio.Future[None]") -> None:
    """Ends a pause, if it has not ended."""
    if not pause.done():
        pause.set_result(None)
