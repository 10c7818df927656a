"""Keeps a new message, within a transaction."""

from contextlib import suppress
from dataclasses import dataclass

from proxy.outbox.contents import Content, seal
from proxy.outbox.failures import full, unavailable
from proxy.outbox.message import Accepted, NewMessage
from proxy.outbox.sqlite import orders, people, sender_ids
from proxy.outbox.sqlite.database import Database
from proxy.outbox.sqlite.schema import Place
from proxy.outbox.store import MessageBusy, MessageUnknown


@dataclass(frozen=True, slots=True)
class KeptBody:
    """A body that is on the disk already, or goes into the row."""

    octets: bytes
    "Empty if it is in a file."
    file: str | None = None
    size: int = 0
    key_id: bytes = b""


def accept(database: Database, message: NewMessage, body: KeptBody, *, max_messages: int, max_bytes: int) -> Accepted:
    """Keeps the message, or returns what was said about an earlier one with the same id. Decides before it writes."""
    if message.sender_id:
        first = sender_ids.find(database, message)
        if first is not None:
            return first
    _check_room(database, message, max_messages, max_bytes)
    if body.file is not None and body.key_id != database.keys.current_id:
        raise unavailable("the key has just been changed")  # a row has one key
    _insert(database, message, body)
    if message.sender_id:
        sender_ids.remember(database, message)
    return Accepted(id=message.id, accepted_at=message.accepted_at, expires_at=message.expires_at, is_new=True)


def forget(database: Database, id_: str) -> None:
    """Removes a message after all, because its sender was told that it was not accepted, and will send it again."""
    with suppress(MessageUnknown, MessageBusy):
        people.discard(database, id_)


def _check_room(database: Database, message: NewMessage, max_messages: int, max_bytes: int) -> None:
    count = database.tally.of(message.route)
    there = count.waiting + count.dead
    if error := full(there, count.bytes, message.size, max_messages=max_messages, max_bytes=max_bytes):
        raise error


def _insert(database: Database, message: NewMessage, body: KeptBody) -> None:
    content = Content(sender_id=message.sender_id, target=message.target, fields=message.fields, body=body.octets)
    key_id, sealed = seal(database.keys, content, message.id, message.route)
    chain, place, blocked = None, Place.HEAD, 0.0
    if message.order is not None:
        chain, is_behind = orders.chain_of(database, message.route, message.order)
        place = Place.BEHIND if is_behind else Place.HEAD
        blocked = orders.blocked_seconds(database, chain, None, message.accepted_at)
        database.tally.use(orders.key_of(chain))
    times = (message.accepted_at, message.accepted_at, message.expires_at - blocked)
    inserted = database.execute(
        "INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', ?, ?, ?, ?, ?, NULL)",
        (
            *(message.id, message.route, int(place), *times, message.expires_at - message.accepted_at),
            *(message.size, chain, key_id, body.file, body.size),
        ),
    )
    database.execute("INSERT INTO contents VALUES (?, ?, ?)", (inserted.lastrowid, message.method, sealed))
    database.tally.add(message.route, waiting=1, size=message.size)
    database.tally.use(key_id)
    if place is Place.HEAD and not database.tally.of(message.route).held:
        database.effects.due.add(message.route)
