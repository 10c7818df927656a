"""What an error of the shared store means for those who wait."""

from proxy.errors import OutboxFull, OutboxUnavailable, ProxyError
from proxy.store.postgres.transactions import OutcomeUnknown, StoreBusy, StoreFull
from proxy.store.tokens import StoreUnreachable

RETRY_AFTER = 5
"Seconds after which a sender may try again."
FAILURES = (StoreUnreachable, StoreBusy, StoreFull, OutcomeUnknown)


def unavailable(reason: object) -> OutboxUnavailable:
    """Returns the error for all who wait while the store cannot be used."""
    return OutboxUnavailable(
        f"The store of the outbox cannot be used now ({reason}). Nothing was accepted; send it again later.",
        retry_after=RETRY_AFTER,
    )


def failure_of(error: Exception) -> ProxyError:
    """Returns what the sender is told."""
    if isinstance(error, StoreFull):
        return OutboxFull(
            "The disk of the outbox is full. The message was not accepted; send it again later.",
            retry_after=RETRY_AFTER,
        )
    if isinstance(error, OutcomeUnknown):
        return OutboxUnavailable(
            f"The store of the outbox cannot be used now ({error}). Nobody knows whether the message was accepted; "
            "send it again later: with `message_id` it is kept once.",
            retry_after=RETRY_AFTER,
        )
    return unavailable(error)


def unreadable(id_: str, error: ValueError) -> OutboxUnavailable:
    """Returns the error for a message whose content or history cannot be read here."""
    return OutboxUnavailable(f"The content of the message {id_} cannot be read: {error}.")
