"""What the stores say when a message cannot be kept or read: each sentence once, whatever the store."""

from proxy.errors import MessageIdReused, OutboxFull, OutboxUnavailable

RETRY_AFTER = 5
"Seconds after which a sender may try again."


def unavailable(reason: object) -> OutboxUnavailable:
    """Returns the error for all who wait while the store cannot be used."""
    return OutboxUnavailable(
        f"The store of the outbox cannot be used now ({reason}). Nothing was accepted; send it again later.",
        retry_after=RETRY_AFTER,
    )


def unreadable(id_: str, error: ValueError) -> OutboxUnavailable:
    """Returns the error for a message whose content or history cannot be read."""
    return OutboxUnavailable(f"The content of the message {id_} cannot be read: {error}.")


def body_unreadable(reason: object) -> OutboxUnavailable:
    """Returns the error for a message whose large body cannot be read."""
    return OutboxUnavailable(f"The body of this message cannot be read: {reason}.", retry_after=RETRY_AFTER)


def disk_full() -> OutboxFull:
    """Returns the error for a sender whose message has no room on the disk."""
    return OutboxFull(
        "The disk of the outbox is full. The message was not accepted; send it again later.", retry_after=RETRY_AFTER
    )


def full(messages: int, octets: int, size: int, *, max_messages: int, max_bytes: int) -> OutboxFull | None:
    """Returns the error for a message of `size` bytes, if the outbox of its route has no room for it.

    The outbox has `messages`, which count as `octets`.
    """
    if messages >= max_messages:
        text = f"The outbox of this route has {max_messages} messages (`max_messages`)."
    elif octets + size > max_bytes:
        text = f"The outbox of this route has no room for {size} bytes more (`max_bytes`)."
    else:
        return None
    return OutboxFull(f"{text} Send it again later.", retry_after=RETRY_AFTER)


def id_reused() -> MessageIdReused:
    """Returns the error for a sender whose id belongs to another message."""
    return MessageIdReused(
        "Another message with this id, but other content, was accepted before. Give each message its own id."
    )
