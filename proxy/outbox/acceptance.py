"""Accepts messages of one route: limits, the whole body, the store, and only then the answer."""

import hashlib
import json
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

from proxy.clock import rfc3339
from proxy.config.model import Forwarded, RouteSettings
from proxy.config.outbox import OutboxAnswer, OutboxSettings
from proxy.errors import BodyTooLarge, LengthRequired, OutboxUnavailable, SenderLeft
from proxy.forwarding.body import Body, BodyFile, BufferedBody, SpooledBody, body_in_memory, collect
from proxy.forwarding.exchange import refuse_overrun
from proxy.forwarding.fields import FieldRules
from proxy.forwarding.limits.route_limits import RouteLimits
from proxy.forwarding.prepared_request import forwarded_lines, refuse_loop
from proxy.forwarding.request import Request
from proxy.forwarding.spool import Spool
from proxy.observe.exchange_record import ExchangeRecord
from proxy.outbox.failures import RETRY_AFTER
from proxy.outbox.message import Accepted, NewMessage
from proxy.outbox.store import OutboxStore
from proxy.wire.framing import WITH_BODY
from proxy.wire.grammar import Fields

NEVER_KEPT = frozenset({b"x-csrf-token"})
"Fields, beside those that are never forwarded, that are worth nothing when the message is delivered."


class CollectedWhole:
    """The limits of a body that is kept: what does not fit into memory is always in a file."""

    def __init__(self, settings: RouteSettings) -> None:
        self.buffer = settings.buffer
        self.spool = self.max_body = settings.max_body
        self.memory_limit = min(settings.buffer, settings.max_body)


class Acceptance:
    """The outbox of a route, as its exchanges see it."""

    def __init__(
        self,
        settings: RouteSettings,
        outbox: OutboxSettings,
        *,
        via: str,
        limits: RouteLimits | None,
        store: Callable[[], OutboxStore],
        new_id: Callable[[], str],
        wall: Callable[[], float],
        accepted: Callable[[str, float], object],
        replaced: frozenset[str] = frozenset(),
    ) -> None:
        """
        Keeps messages for the route.

        `store` raises OutboxUnavailable as long as there is none; `accepted` gets the name of the route, and for how
        many seconds it may live, when a message is kept; `replaced` are fields that a span of ours sets.
        """
        self._route = settings.name
        self._prefix = len(settings.path.encode())
        self._via = via.encode()
        self._forwarded = settings.forwarded
        self._outbox = outbox
        self._body_limits = CollectedWhole(settings)
        self._limits = limits
        self._store, self._new_id, self._wall, self._accepted = store, new_id, wall, accepted
        auth = settings.inbound_auth
        key = {auth.api_key.field} if auth and auth.api_key else set()
        dropped = {name.lower().encode() for name in (*settings.drop_fields, *replaced, *key)}
        self._rules = FieldRules(drop=NEVER_KEPT | dropped, sap_fields=settings.forward_sap_fields)

    async def accept(self, request: Request, address: str, record: ExchangeRecord, spool: Spool | None) -> None:
        """Keeps a message, then answers its sender. Raises a ProxyError or SenderLeft if it is not kept."""
        refuse_loop(request.head.fields, self._via)
        refuse_unframed(request)
        refuse_above(request.body.length or 0, self._outbox.max_bytes)
        self._store()  # raises before the body is asked for
        if self._limits is None:
            await self._keep(request, address, record, spool)
            return
        await self._limits.acquire(request.head, request.body, request.sender, address)
        try:
            await self._keep(request, address, record, spool)
        finally:
            self._limits.release()

    async def _keep(self, request: Request, address: str, record: ExchangeRecord, spool: Spool | None) -> None:
        limits = self._body_limits
        body: Body = body_in_memory(request.body, limits.memory_limit) or await collect(request.body, limits, spool)
        try:
            refuse_overrun(body)
            message = await self._message(request, address, record, whole(body))
            refuse_above(message.size, self._outbox.max_bytes)
            if request.sender.left:
                raise SenderLeft
            outbox = self._outbox
            accepted = await self._store().accept(message, max_messages=outbox.max_messages, max_bytes=outbox.max_bytes)
            record.kept(outbox.answer.value, accepted.id)
            self._accepted(self._route, accepted.expires_at - accepted.accepted_at)
            refuse_overrun(body)
        finally:
            body.close()
        self._answer(request, accepted, record)

    def _answer(self, request: Request, accepted: Accepted, record: ExchangeRecord) -> None:
        octets = answer(request, accepted, self._outbox.answer, now=self._wall())
        request.sender.send(octets)
        record.bytes_out = len(octets) - octets.index(b"\r\n\r\n") - 4
        if request.sender.left:
            record.left()

    async def _message(
        self, request: Request, address: str, record: ExchangeRecord, body: bytes | BodyFile
    ) -> NewMessage:
        outbox, head, now = self._outbox, request.head, self._wall()
        fields = head.fields
        named = outbox.message_id
        sender_id = only_value(fields, named.field) if named is not None else b""
        target = request.target.path[self._prefix :]
        lines = [*self._rules.select(fields), *record.trace]
        if self._forwarded is not Forwarded.OFF:
            lines += forwarded_lines(request, address, self._forwarded)
        return NewMessage(
            id=self._new_id(),
            route=self._route,
            sender_id=sender_id,
            remember=named.remember if named is not None and sender_id else 0.0,
            content_hash=await content_hash(head.method, target, fields, body) if sender_id else b"",
            method=head.method,
            target=target,
            fields=tuple(lines),
            body=body,
            order=self._order(fields),
            accepted_at=now,
            expires_at=now + outbox.max_age,
        )

    def _order(self, fields: Fields) -> bytes | None:
        """Returns the value by which messages are ordered; a message without the field has no order."""
        order = self._outbox.order
        if order is None:
            return None
        if not order.field:
            return b""
        values = fields.values(order.field.lower().encode())
        return b", ".join(values) if values else None


def whole(body: Body) -> bytes | BodyFile:
    """Returns the content, or the file with it. Raises OutboxUnavailable if the disk of the spool failed."""
    if isinstance(body, BufferedBody):
        return body.content
    if isinstance(body, SpooledBody):
        return body.file
    raise OutboxUnavailable(
        "The disk for large bodies (TMPDIR) cannot be used, so the message was not accepted; send it again later.",
        retry_after=RETRY_AFTER,
    )


def refuse_unframed(request: Request) -> None:
    """Raises LengthRequired for a last request without a length: a body may follow after an empty one was kept."""
    fields = request.head.fields
    if request.head.method not in WITH_BODY or request.sender.persistent():
        return
    if not fields.has(b"content-length") and not fields.has(b"transfer-encoding"):
        raise LengthRequired(
            "Send Content-Length, 0 for an empty body: without it the proxy cannot tell whether one follows."
        )


def refuse_above(size: int, most: int) -> None:
    """Raises BodyTooLarge for a message that could never be kept."""
    if size > most:
        raise BodyTooLarge(f"The message has {size} bytes, more than the outbox may keep; raise its `max_bytes`.")


def only_value(fields: Fields, name: str) -> bytes:
    """Returns the value of a field that is there once and not empty; else nothing."""
    values = fields.values(name.lower().encode())
    return values[0] if len(values) == 1 else b""


async def content_hash(method: str, target: bytes, fields: Fields, body: bytes | BodyFile) -> bytes:
    """Returns what tells whether two messages with one id are the same; each part has its length before it."""
    content_type = fields.value(b"content-type")
    found = hashlib.sha256()
    for part in (method.encode("latin-1"), target, content_type):
        found.update(b"%d:%b" % (len(part), part))
    if isinstance(body, bytes):
        found.update(body)
    else:
        at = 0
        while piece := await body.read(at):
            found.update(piece)
            at += len(piece)
    return found.digest()


def answer(request: Request, accepted: Accepted, status: OutboxAnswer, *, now: float) -> bytes:
    """Returns the whole answer; only that with 202 has content."""
    lines = [f"HTTP/1.1 {status.value} {HTTPStatus(status.value).phrase}", f"Date: {formatdate(now, usegmt=True)}"]
    content = b""
    if status is OutboxAnswer.ACCEPTED:
        content = document(accepted)
        lines.append("Content-Type: application/json")
    if status is not OutboxAnswer.NO_CONTENT:
        lines.append(f"Content-Length: {len(content)}")
    lines += [f"Outbox-Id: {accepted.id}", f"X-Request-ID: {request.id}"]
    if not request.sender.persistent():
        lines.append("Connection: close")
    elif request.head.minor == 0:
        lines.append("Connection: keep-alive")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def document(accepted: Accepted) -> bytes:
    """Returns the content of the answer, which is the same for a repeated message."""
    told = {
        "id": accepted.id,
        "status": "queued",
        "accepted_at": rfc3339(accepted.accepted_at),
        "expires_at": rfc3339(accepted.expires_at),
    }
    return json.dumps(told).encode() + b"\n"
