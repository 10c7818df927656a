"""What an outbox needs of a store: SQLite has it for one process, PostgreSQL for several.

Times are wall times in seconds. Each method raises OutboxUnavailable if the store cannot do it now.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from proxy.outbox.message import (
    Accepted,
    DeadLetterCode,
    Expired,
    HistoryEntry,
    MessageDetails,
    MessageState,
    MessageSummary,
    NewMessage,
    RouteSummary,
    StoredBody,
    TakenMessage,
)


class MessageUnknown(Exception):
    """There is no message with this id; `why` ends the sentence."""

    def __init__(self, id_: str, *, why: str = "it was delivered or discarded, or never existed") -> None:
        super().__init__(f"There is no message {id_}: {why}.")


class MessageBusy(Exception):
    """The message is being delivered, so nothing can be decided about it now."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"The message {id_} is being delivered; try again when that has ended.")


class RouteHeld(Exception):
    """The route has been held since the message was taken."""


class TakenOver(Exception):
    """Another process has the message, or may have it: nothing of it may be sent here any more."""


class OutboxStore(Protocol):
    """Keeps the messages of all routes."""

    @property
    def tells_outages(self) -> bool:
        """Whether it logs itself that it cannot be used."""
        ...

    async def accept(self, message: NewMessage, *, max_messages: int, max_bytes: int) -> Accepted:
        """Keeps a message: it is durable when this returns.

        Raises OutboxFull above the route's limits or if the disk is full, and MessageIdReused if the same `sender_id`
        of the route is remembered with another content.
        """
        ...

    async def take(self, route: str, *, most: int, now: float) -> Sequence[TakenMessage]:
        """Takes up to `most` messages that are due, those that have been due longest first.

        None of a held route; of messages with the same `order` the first only, unless it is dead or being delivered.
        Messages whose `expires_at` has passed are due as well: the caller settles them.
        """
        ...

    async def next_due(self, route: str) -> float | None:
        """Returns when the next message of the route is due, or None if none will be without a change."""
        ...

    async def begin(self, id: str, at: float) -> None:  # noqa: A002
        """Counts an attempt: durable when this returns, before the first octet of the message is written.

        Raises RouteHeld if the route is held by now, so that nothing begins after `hold` has returned, or TakenOver.
        """
        ...

    async def confirm(self, id: str) -> None:  # noqa: A002
        """Raises TakenOver if another process may have the message by now: to be asked before it is sent once more."""
        ...

    async def release(self, id: str) -> None:  # noqa: A002
        """Gives back a message of which nothing was sent, with nothing to note; it is due as before."""
        ...

    async def delivered(self, id: str) -> None:  # noqa: A002
        """Forgets a message; its `sender_id` stays as long as `remember` says."""
        ...

    async def deferred(self, id: str, *, next_at: float, entry: HistoryEntry) -> None:  # noqa: A002
        """Notes an attempt that failed, and when the next one is due."""
        ...

    async def died(self, id: str, code: DeadLetterCode, entry: HistoryEntry | None) -> None:  # noqa: A002
        """Makes a message a dead letter. It blocks what stands behind it in its order; that does not age."""
        ...

    async def expire(self, route: str, *, most: int, now: float, interrupted: DeadLetterCode) -> Expired:
        """Makes dead letters of up to `most` messages whose time is over, wherever they wait; also of a held route.

        Not of those that are being delivered, by whatever process, nor of what a dead letter blocks. `interrupted` is
        the code of those whose attempt was begun and never ended; the others are `expired`. What stands behind one does
        not age from the moment on at which its time was over.
        """
        ...

    async def routes(self) -> Sequence[RouteSummary]:
        """Returns the numbers of every route that has messages or is held. Costs no more with a long backlog."""
        ...

    async def messages(
        self, *, route: str | None, state: MessageState | None, limit: int, after: str | None
    ) -> Sequence[MessageSummary]:
        """Returns messages in the order of their acceptance, those after the position or id `after` only.

        The id of a message that has gone leads to the next one by the order of ids: where clocks differ, or were set
        back, that may be another than the next one accepted.
        """
        ...

    async def message(self, id: str) -> MessageDetails:  # noqa: A002
        """Returns one message. Raises MessageUnknown."""
        ...

    async def body(self, id: str) -> "bytes | StoredBody":  # noqa: A002
        """Returns the body of a message. Raises MessageUnknown."""
        ...

    async def retry(self, id: str, now: float) -> MessageSummary:  # noqa: A002
        """Makes a dead or waiting message due now, in its old place; a dead one has all of its time again.

        Raises MessageUnknown or MessageBusy.
        """
        ...

    async def discard(self, id: str) -> MessageSummary:  # noqa: A002
        """Removes a message, and what is remembered of its `sender_id`. Raises MessageUnknown or MessageBusy."""
        ...

    async def hold(self, route: str) -> None:
        """Stops the delivery of a route, also after a restart."""
        ...

    async def resume(self, route: str) -> None:
        """Starts the delivery of a held route again."""
        ...

    def on_change(self, changed: Callable[[str], None]) -> None:
        """Calls `changed` with a route's name, in the event loop, when one of its messages may have become due."""
        ...

    async def close(self) -> None:
        """Ends all work that is under way, and leaves the store to the next process."""
        ...
