"""The limits of a route, checked before a body is read: size, content type, rate and concurrency."""

import math
from collections.abc import Callable

from proxy.config.model import RouteSettings as Settings
from proxy.errors import ContentTypeNotAllowed, RateExceeded
from proxy.forwarding.body import refuse_above
from proxy.forwarding.limits.concurrency import ConcurrencyLimit
from proxy.forwarding.limits.media_type import accepts
from proxy.forwarding.limits.rate import TokenBuckets, counted_as
from proxy.forwarding.request import Recipient
from proxy.wire.body import IncomingBody
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import RequestHead


class RouteLimits:
    """The limits of one route. `now` returns monotonic seconds."""

    def __init__(
        self,
        settings: Settings,
        *,
        buckets: TokenBuckets | None,
        concurrency: ConcurrencyLimit | None,
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._buckets = buckets
        self._concurrency = concurrency
        self._now = now

    @property
    def waiting(self) -> int:
        """The number of exchanges that wait for a slot."""
        return self._concurrency.waiting if self._concurrency else 0

    async def acquire(self, head: RequestHead, body: IncomingBody, recipient: Recipient, address: str) -> None:
        """Returns when the message may go on; `release` must follow. Raises a ProxyError, or SenderLeft."""
        refuse_above(body.length or 0, self._settings.max_body)
        if self._settings.content_types is not None and body.length != 0:
            refuse_content(head, self._settings.content_types)
        if self._buckets is not None:
            refuse_too_often(self._buckets.acquire(counted_as(address), self._now()))
        if self._concurrency is not None:
            await self._concurrency.acquire(recipient, body)

    def release(self) -> None:
        """Frees the slot of an exchange that has ended."""
        if self._concurrency is not None:
            self._concurrency.release()

    async def close(self) -> None:
        """Ends all waiting."""
        if self._concurrency is not None:
            self._concurrency.close()


def limits_of(settings: Settings, deadlines: Deadlines) -> RouteLimits | None:
    """Returns the limits of a route, or None if it has none but `max_body`."""
    rate, most = settings.rate, settings.max_concurrency
    if settings.content_types is None and rate is None and not most:
        return None
    return RouteLimits(
        settings,
        buckets=TokenBuckets(interval=rate.per_sender.interval, burst=rate.burst or rate.per_sender.count)
        if rate
        else None,
        concurrency=ConcurrencyLimit(
            most=most, queue=settings.queue, patience=settings.connect_timeout, deadlines=deadlines
        )
        if most
        else None,
        now=deadlines.now,
    )


def refuse_content(head: RequestHead, content_types: tuple[str, ...]) -> None:
    """Raises ContentTypeNotAllowed unless the route accepts the content type."""
    if not accepts(content_types, head.fields.values(b"content-type")):
        allowed = ", ".join(content_types)
        raise ContentTypeNotAllowed(
            f"The route accepts {allowed} only (`content_types`); send such a message, with its Content-Type.",
            accepted=content_types,
        )


def refuse_too_often(wait: float) -> None:
    """Raises RateExceeded if there are seconds to wait."""
    if wait > 0:
        seconds = math.ceil(wait)
        raise RateExceeded(
            f"The sender exceeds the route's `rate`; send again in {seconds} s.",
            retry_after=seconds,
        )
