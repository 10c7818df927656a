"""The delivery of one message, from the store that gave it to the store that learns what became of it."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from proxy.config.outbox import OutboxSettings
from proxy.forwarding.detached import DetachedRun
from proxy.forwarding.routes import Route
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.exchange_steps import ExchangeSteps
from proxy.observe.reports import frames
from proxy.outbox.circuit_breaker import CircuitBreaker, Probes
from proxy.outbox.deliverer import STORE_PAUSE, Deliverer
from proxy.outbox.delivery import DeliveryReport, crashed, deliver, interrupted
from proxy.outbox.delivery_log import tell
from proxy.outbox.message import HistoryEntry, TakenMessage
from proxy.outbox.schedule import (
    Again,
    Dead,
    Decision,
    Delivery,
    DeliveryEnd,
    Done,
    Untouched,
    decide,
    expired,
    pause_after,
)
from proxy.outbox.store import RouteHeld, TakenOver


class RunningDelivery:
    """Runs without a task, as an exchange does."""

    def __init__(
        self,
        message: TakenMessage,
        route: Route,
        settings: OutboxSettings,
        deliverer: Deliverer,
        *,
        probes: Probes,
        answered: "Callable[[RunningDelivery], None]",
        ended: "Callable[[RunningDelivery], None]",
    ) -> None:
        """`probes` are the circuit breakers for which this delivery is the probe.

        `answered` is called when the upstream has no more to do with it, `ended` when its end is stored too.
        """
        self._run = DetachedRun(self._ended)
        self._message, self._route, self._settings, self._deliverer = message, route, settings, deliverer
        self._breakers = deliverer.breakers_of(route)
        self._probes = probes
        self._begun = False
        self._is_settled = False
        "Whether what becomes of the message is decided."
        self._answered, self._report_end = answered, ended
        self._record = ExchangeRecord(message.id, message.method, route.prefix + message.target)

    def __repr__(self) -> str:
        return f"<RunningDelivery {self._message.id}>"

    def start(self) -> None:
        """Begins the delivery."""
        self._deliverer.running.add(self)
        self._run.start(self._go())

    def give_back(self) -> None:
        """Gives the message back instead."""
        self._deliverer.running.add(self)
        self._run.start(self._store(Untouched(), None))

    async def _go(self) -> None:
        try:
            await self._deliver_and_settle()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody else can settle the message
            self._crashed(error)
            if not self._is_settled:
                await self._settle_crash()

    async def _deliver_and_settle(self) -> None:
        message, deliverer = self._message, self._deliverer
        if not message.interrupted and (too_old := expired(message.expires_at, now=deliverer.wall())):
            self._end_probes(DeliveryEnd.UNTRIED)
            await self._store(too_old, None)
            self._tell(too_old, None)
            return
        report = interrupted() if message.interrupted else await self._deliver()
        if report.delivery.end is DeliveryEnd.CRASHED:
            await self._count()
        decision = self._decide(report.delivery)
        if isinstance(decision, Untouched) and not deliverer.draining:
            await deliverer.pause(STORE_PAUSE)
        if report.is_whole:
            await report.finish()
            self._answered(self)
        await self._store(decision, report)
        self._tell(decision, report)
        if not report.is_whole:  # what is known already is stored first
            await report.finish()

    async def _settle_crash(self) -> None:
        """Settles a message whose delivery has ended by a fault of ours. What may have arrived is not sent again."""
        report = crashed(begun=self._begun or self._message.interrupted)
        for each in self._probes:
            self._end_probe(each, None)
        await self._count()
        decision = self._decision(report.delivery, self._pause(self._attempts, None))
        await self._store(decision, report)
        self._tell(decision, report)

    async def _count(self) -> None:
        """Counts an attempt that a fault of ours has ended before it was begun, so that the next one comes later."""
        try:
            await self._deliverer.until_stored(self._begin)
        except (RouteHeld, TakenOver):
            return  # nothing is due before somebody resumes it, or it is another's
        except Exception as error:  # noqa: BLE001 - it may be the fault itself
            self._crashed(error)

    async def _store(self, decision: Decision, report: DeliveryReport | None) -> None:
        """Stores what became of the message; after a fault of ours again, because until then it is not delivered."""
        self._is_settled, failures = True, 0
        while not self._deliverer.stopped:
            try:
                await self._deliverer.until_stored(partial(self._settle, decision, report))
            except Exception as error:  # noqa: BLE001 - see above
                failures += 1
                self._crashed(error)
                await self._deliverer.pause(self._pause(failures, None))
            else:
                return

    async def _deliver(self) -> DeliveryReport:
        message, log = self._message, self._deliverer.log
        if log.level == "debug":
            self._record.steps = ExchangeSteps(log.logger, message.id)
        self._record.routed(message.route, self._route.oauth_client, self._route.upstream_url)
        try:
            return await deliver(
                message,
                self._route,
                self._settings,
                self._run,
                self._record,
                begin=self._begin,
                now=self._deliverer.wall(),
            )
        except (RouteHeld, TakenOver):
            return DeliveryReport(delivery=Delivery(end=DeliveryEnd.UNTRIED))
        except Exception as error:  # noqa: BLE001 - nobody knows how far it came
            self._crashed(error)
            return crashed(begun=self._begun)

    async def _begin(self) -> None:
        """Counts the attempt, once for all replays of it."""
        if self._begun:
            await self._deliverer.store.confirm(self._message.id)
        else:
            await self._deliverer.store.begin(self._message.id, self._deliverer.wall())
            self._begun = True

    def _decide(self, delivery: Delivery) -> Decision:
        """Decides what becomes of the message, and tells the circuit breakers what was seen."""
        pause = self._end_probes(delivery.end, delivery.retry_after)
        if pause is None:
            pause = self._pause(self._attempts, delivery.retry_after)
        return self._decision(delivery, pause)

    def _decision(self, delivery: Delivery, pause: float) -> Decision:
        return decide(
            delivery,
            repeatable=self._settings.repeatable,
            pause=pause,
            expires_at=self._message.expires_at,
            now=self._deliverer.wall(),
        )

    def _end_probes(self, end: DeliveryEnd, retry_after: int | None = None) -> float | None:
        """Tells the circuit breakers what was seen. Returns the seconds until the next probe of what is away."""
        source, pool = self._breakers
        match end:
            case DeliveryEnd.NO_TOKEN:
                self._end_probe(pool, None)
                return self._open(source, retry_after)
            case DeliveryEnd.UNSENT:
                self._end_probe(source, True)
                return self._open(pool, retry_after)
            case DeliveryEnd.ANSWERED | DeliveryEnd.LOST:
                seen = None if self._message.interrupted else True
            case DeliveryEnd.UNTRIED | DeliveryEnd.CRASHED:
                seen = None
            case _:
                assert_never(end)
        for each in (source, pool):
            self._end_probe(each, seen)
        return None

    def _end_probe(self, breaker: CircuitBreaker, succeeded: bool | None) -> None:  # noqa: FBT001 - three outcomes
        if self._was_probe(breaker):
            breaker.succeeded() if succeeded else breaker.abandon()

    def _open(self, breaker: CircuitBreaker, retry_after: int | None) -> float:
        pause = self._pause(breaker.failures + 1, retry_after)
        breaker.failed(pause, by_probe=self._was_probe(breaker))
        return breaker.seconds_left

    def _was_probe(self, breaker: CircuitBreaker) -> bool:
        """Returns whether this was the probe of the circuit breaker, which ends now."""
        if breaker not in self._probes:
            return False
        self._probes = tuple(each for each in self._probes if each is not breaker)
        return True

    def _pause(self, failures: int, retry_after: int | None) -> float:
        return pause_after(self._settings, failures=failures, retry_after=retry_after, jitter=self._deliverer.random())

    @property
    def _attempts(self) -> int:
        """Attempts that were begun, this one included."""
        return self._message.attempts + self._begun

    async def _settle(self, decision: Decision, report: DeliveryReport | None) -> None:
        store, id_ = self._deliverer.store, self._message.id
        match decision:
            case Done():
                await store.delivered(id_)
            case Again(at):
                await store.deferred(id_, next_at=at, entry=self._entry(report))
            case Dead(code):
                await store.died(id_, code, self._entry(report) if report else None)
            case Untouched():
                await store.release(id_)
            case _:
                assert_never(decision)

    def _entry(self, report: DeliveryReport | None) -> HistoryEntry:
        record = self._record
        return HistoryEntry(
            at=self._deliverer.wall(),
            status=report.delivery.status if report else 0,
            code=report.code if report else "",
            diagnosis=record.diagnosis,
            mpl_id=record.mpl_id,
        )

    def _tell(self, decision: Decision, report: DeliveryReport | None) -> None:
        """Logs and counts what became of the message."""
        self._record.detail = report.detail if report else ""
        self._record.end()
        code = report.code if report else ""
        if tell(self._deliverer, self._message, decision, self._record, code=code, attempts=self._attempts):
            self._deliverer.settled(self._message.route)

    def _crashed(self, error: BaseException) -> None:
        """Logs a fault, without the error's message, because it may quote the message."""
        logger = self._deliverer.log.logger
        logger.error("delivery.crashed", id=self._message.id, error=type(error).__name__, where=frames(error))

    def _ended(self, error: BaseException | None) -> None:
        if error is not None:
            self._crashed(error)
        self._deliverer.ended(self)
        self._report_end(self)
