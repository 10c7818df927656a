"""Logs and counts what became of messages."""

from proxy.clock import rfc3339
from proxy.observe.exchange_record import ExchangeRecord
from proxy.outbox.deliverer import Deliverer
from proxy.outbox.message import DeadLetter, TakenMessage
from proxy.outbox.schedule import Again, Dead, Decision, Done


def tell(
    deliverer: Deliverer, message: TakenMessage, decision: Decision, record: ExchangeRecord, *, code: str, attempts: int
) -> bool:
    """Tells how a delivery ended; false if there is nothing to tell. `code` is that of the error, without an answer."""
    why = record.diagnosis or record.detail
    match decision:
        case Done():
            deliverer.log.info(
                "message.delivered",
                route=message.route,
                status=record.status,
                attempts=attempts,
                age_seconds=age(deliverer, message.accepted_at),
                id=message.id,
                mpl_id=record.mpl_id,
            )
            deliverer.metrics.count_delivery(message.route, "delivered")
        case Again(at):
            deliverer.log.logger.warning(
                "message.deferred",
                route=message.route,
                status=record.status,
                code=code,
                diagnosis=why,
                attempts=attempts,
                age_seconds=age(deliverer, message.accepted_at),
                next_at=rfc3339(at),
                id=message.id,
                mpl_id=record.mpl_id,
            )
            deliverer.metrics.count_delivery(message.route, "deferred")
        case Dead(reason):
            dead = DeadLetter(id=message.id, code=reason, attempts=attempts, accepted_at=message.accepted_at)
            tell_dead(deliverer, message.route, dead, status=record.status, diagnosis=why, mpl_id=record.mpl_id)
        case _:
            return False
    return True


def tell_dead(
    deliverer: Deliverer, route: str, dead: DeadLetter, *, status: int = 0, diagnosis: str = "", mpl_id: str = ""
) -> None:
    """Tells that a message is a dead letter."""
    deliverer.log.logger.error(
        "message.died",
        route=route,
        code=dead.code.value,
        status=status,
        diagnosis=diagnosis,
        attempts=dead.attempts,
        age_seconds=age(deliverer, dead.accepted_at),
        id=dead.id,
        mpl_id=mpl_id,
    )
    deliverer.metrics.count_delivery(route, "died")


def age(deliverer: Deliverer, accepted_at: float) -> float:
    """Returns the seconds since the acceptance of a message."""
    return round(deliverer.wall() - accepted_at, 3)
