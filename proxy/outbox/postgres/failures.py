"""What an error of the shared store means for those who wait."""

from proxy.errors import OutboxUnavailable, ProxyError
from proxy.outbox.failures import RETRY_AFTER, disk_full, unavailable
from proxy.store.postgres.transactions import OutcomeUnknown, StoreFull
from proxy.store.tokens import StoreUnreachable

FAILURES = (StoreUnreachable, StoreFull, OutcomeUnknown)


def failure_of(error: Exception) -> ProxyError:
    """Returns what the sender is told."""
    match error:
        case StoreFull():
            return disk_full()
        case OutcomeUnknown():
            return OutboxUnavailable(
                f"The store of the outbox cannot be used now ({error}). Nobody knows whether the message was accepted; "
                "send it again later: with `message_id` it is kept once.",
                retry_after=RETRY_AFTER,
            )
        case _:
            return unavailable(error)
