"""Delivers one message once, by the same attempts as an exchange, and tells how that ended."""

from dataclasses import dataclass

from proxy.config.outbox import OutboxSettings
from proxy.cpi.mpl import ids_in_fields
from proxy.errors import OutboxUnavailable, ProxyError
from proxy.forwarding.attempt import AttemptFailed, Begin, UpstreamAnswer
from proxy.forwarding.body import Body, BufferedBody, SpooledBody
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.exchange import obtain_answer
from proxy.forwarding.prepared_request import PreparedRequest, upstream_target
from proxy.forwarding.refusal import decoded
from proxy.forwarding.relay import SCANNED, note_failure
from proxy.forwarding.request import Recipient
from proxy.forwarding.routes import Route, dropped_fields
from proxy.oauth.answer import retry_after_seconds
from proxy.observe.exchange_record import ExchangeRecord
from proxy.outbox.message import INTERRUPTED, StoredBody, TakenMessage
from proxy.outbox.schedule import Delivery, DeliveryEnd, end_after, end_before_sending, longest_retry_after

MOST_READ = 1 << 20
"Bytes of an answer that are read; the connection of a longer one is closed."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """How a delivery ended, with what is told about it."""

    delivery: Delivery
    code: str = ""
    "Of the error, if there was no answer."
    detail: str = ""
    answer: UpstreamAnswer | None = None
    "To be read to its end with `finish`."

    @property
    def is_whole(self) -> bool:
        """Whether nothing of an answer is still to come."""
        return self.answer is None or self.answer.body.ended

    async def finish(self) -> None:
        """Reads the rest of the answer, so that its connection can be used again."""
        if self.answer is None:
            return
        body = self.answer.body
        try:
            while body.received <= MOST_READ and await body.read():
                pass
        except ProxyError as error:  # the status of the answer has told everything
            error.__traceback__ = None
        finally:
            self.answer.discard()


def interrupted() -> DeliveryReport:
    """Returns the report of a delivery that an earlier process began; what became of it is unknown."""
    detail = "The proxy stopped while the message was being delivered."
    return DeliveryReport(delivery=Delivery(end=DeliveryEnd.LOST), code=INTERRUPTED, detail=detail)


def crashed(*, begun: bool) -> DeliveryReport:
    """Returns the report of a delivery that ended by a fault of ours; if it had `begun`, a part may have been sent."""
    detail = "An error in the proxy: please report it, with the line `delivery.crashed` of the log."
    end = DeliveryEnd.LOST if begun else DeliveryEnd.CRASHED
    return DeliveryReport(delivery=Delivery(end=end), code="crashed", detail=detail)


async def deliver(
    message: TakenMessage,
    route: Route,
    settings: OutboxSettings,
    recipient: Recipient,
    record: ExchangeRecord,
    *,
    begin: Begin,
    now: float,
) -> DeliveryReport:
    """Sends a message, up to the beginning of the answer. `now` is the wall time, for dates in answers."""
    file: DeliveredFile | None = None
    if isinstance(message.body, bytes):
        body: Body = BufferedBody(message.body)
    else:
        file = DeliveredFile(message.body)
        body = SpooledBody(file)
    try:
        result, unit = await obtain_answer(
            route, prepared(message, route, settings), body, recipient, record, begin=begin
        )
    except ProxyError as error:
        error.__traceback__ = None  # its frames refer to the body
        torn = file is not None and file.torn
        end = DeliveryEnd.LOST if torn else end_before_sending(error)
        return failed(end, error)
    if isinstance(result, AttemptFailed):
        return failed(end_after(result.outcome), result.failure)
    return await answered(result, unit, route, record, now=now, most=longest_retry_after(settings))


def prepared(message: TakenMessage, route: Route, settings: OutboxSettings) -> PreparedRequest:
    """Returns the message as the route is configured now. What may have arrived is not sent again by itself."""
    own = [] if settings.id_field is None else [(settings.id_field, message.sender_id or message.id.encode())]
    dropped = {name.lower().encode() for name in (*dropped_fields(route.settings), *(name for name, _ in own))}
    lines = [line for line in message.fields if line.partition(b":")[0].lower() not in dropped]
    lines += [*route.set_lines, route.via_lines[1], *(b"%b: %b" % (name.encode(), value) for name, value in own)]
    return PreparedRequest(
        message.method,
        upstream_target(route, message.target),
        route.upstream_host,
        lines,
        b"",
        has_csrf_token=False,
        idempotent=False,
    )


async def answered(
    answer: UpstreamAnswer, unit: CsrfUnit | None, route: Route, record: ExchangeRecord, *, now: float, most: float
) -> DeliveryReport:
    """Reads what an answer tells: its status, its fields, and of a failure the beginning of its text.

    `most` limits the seconds of Retry-After.
    """
    head = answer.head
    record.relayed(head.status)
    record.mpl_id, record.correlation_id = ids_in_fields(head.fields)
    if unit is not None:
        route.csrf.update(unit, head.fields.values(b"set-cookie"))
    if head.status >= 400:
        text, _ = decoded(head.fields, await answer.body.beginning(SCANNED))
        note_failure(head, text, record)
    asked = head.fields.value(b"retry-after").decode("latin-1") or None
    delivery = Delivery(
        end=DeliveryEnd.ANSWERED,
        status=head.status,
        flow_ran=bool(record.mpl_id),
        retry_after=retry_after_seconds(asked, wall=now, most=most),
    )
    return DeliveryReport(delivery=delivery, answer=answer)


def failed(end: DeliveryEnd, error: ProxyError) -> DeliveryReport:
    """Returns the report of a delivery without an answer."""
    delivery = Delivery(end=end, retry_after=error.retry_after)
    return DeliveryReport(delivery=delivery, code=error.code, detail=error.detail)


class DeliveredFile:
    """A body of the store, as an attempt reads it."""

    def __init__(self, body: StoredBody) -> None:
        self._body = body
        self.torn = False
        "Whether reading it has failed, so that a part of it may have been sent."

    @property
    def size(self) -> int:
        """Bytes."""
        return self._body.size

    async def read(self, at: int) -> bytes:
        """Returns a piece from the byte `at` on, or b"" at the end. Raises OutboxUnavailable."""
        try:
            return await self._body.read(at)
        except OutboxUnavailable:
            self.torn = True
            raise

    def close(self) -> None:
        """Does nothing, because the store keeps the file."""
