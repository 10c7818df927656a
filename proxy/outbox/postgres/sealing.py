"""Messages as the database keeps them, and back: encrypted, and named by keyed hashes."""

from collections.abc import Callable
from dataclasses import replace

from proxy.outbox import contents
from proxy.outbox.bodies import IN_THE_ROW, read_whole
from proxy.outbox.contents import Content, context_of
from proxy.outbox.failures import unavailable, unreadable
from proxy.outbox.message import NewMessage, StoredBody, TakenMessage, body_size
from proxy.outbox.postgres.accepting import SealedMessage
from proxy.outbox.postgres.bodies import Bodies
from proxy.outbox.postgres.people import Row
from proxy.outbox.postgres.taking import TakenRow
from proxy.store.keys import Keys
from proxy.store.postgres.names import NameKey


class Sealing:
    """Seals with the keys of the moment. All replicas name by the same key, whatever key encrypts."""

    def __init__(self, names: NameKey, keys: Callable[[], Keys], bodies: Bodies) -> None:
        self._names, self.keys, self._bodies = names, keys, bodies

    def check(self) -> None:
        """Raises OutboxUnavailable unless this process has the keys of the database."""
        if not self._names.is_known:
            raise unavailable("it was not reached yet, or its keys are not in store.keys_file")

    async def seal(self, message: NewMessage, *, age: float, max_messages: int, max_bytes: int) -> SealedMessage:
        """Encrypts a message, and stores a large body. Raises OutboxFull or OutboxUnavailable."""
        self.check()
        keys, body, name, route = self.keys(), message.body, None, message.route.encode()
        size = body_size(body)
        if size > IN_THE_ROW:
            name, body = await self._bodies.keep(body, keys, context_of(message.id, message.route)), b""
        elif not isinstance(body, bytes):
            body = await read_whole(body)
        key_id, sealed = _seal(keys, message, body)
        return SealedMessage(
            message=message,
            age=age,
            chain=None if message.order is None else self._name(b"order", route, message.order),
            sender=self._name(b"sender", route, message.sender_id) if message.sender_id else None,
            content_hash=self._name(b"content", route, message.content_hash),
            key_id=key_id,
            content=sealed,
            body=name,
            body_size=size if name is not None else 0,
            max_messages=max_messages,
            max_bytes=max_bytes,
        )

    def taken(self, row: TakenRow, route: str, wall: float) -> TakenMessage:
        """Returns a message with times by the clock of this process. Raises KeyMissing or ValueForged."""
        method, content = _unseal(self.keys(), row.key_id, row.content, row.id, route)
        body: bytes | StoredBody = content.body
        if row.body is not None:
            body = self._bodies.stored(row.body, row.body_size, row.key_id, context_of(row.id, route))
        return TakenMessage(
            id=row.id,
            route=route,
            sender_id=content.sender_id,
            method=method,
            target=content.target,
            fields=content.fields,
            body=body,
            accepted_at=row.accepted_at - row.now + wall,
            expires_at=row.expires_at - row.now + wall,
            attempts=row.attempts,
            interrupted=row.begun,
        )

    def content(self, row: Row) -> tuple[str, Content]:
        """Returns method and content. Raises OutboxUnavailable if they cannot be read."""
        summary = row.summary
        try:
            return _unseal(self.keys(), row.key_id, row.content, summary.id, summary.route)
        except ValueError as error:
            raise unreadable(summary.id, error) from None

    def body(self, row: Row) -> "bytes | StoredBody":
        """Returns the body. Raises OutboxUnavailable if it cannot be read."""
        if row.body is None:
            return self.content(row)[1].body
        context = context_of(row.summary.id, row.summary.route)
        return self._bodies.stored(row.body, row.body_size, row.key_id, context)

    def _name(self, kind: bytes, route: bytes, value: bytes) -> bytes:
        return self._names.name_of(b"%b %d:%b %b" % (kind, len(route), route, value))


def _seal(keys: Keys, message: NewMessage, body: bytes) -> tuple[bytes, bytes]:
    """Returns the id of the key, and the content with its method: nothing of it can be read in the database."""
    target = message.method.encode("latin-1") + b" " + message.target
    content = Content(sender_id=message.sender_id, target=target, fields=message.fields, body=body)
    return contents.seal(keys, content, message.id, message.route)


def _unseal(keys: Keys, key_id: bytes, value: bytes, id_: str, route: str) -> tuple[str, Content]:
    """Returns the method and the content. Raises KeyMissing or ValueForged."""
    content = contents.unseal(keys, key_id, value, id_, route)
    method, _, target = content.target.partition(b" ")
    return method.decode("latin-1"), replace(content, target=target)
