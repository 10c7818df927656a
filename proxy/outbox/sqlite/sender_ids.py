"""The ids that senders gave their messages, for as long as they are remembered: one message with an id is kept once."""

from proxy.outbox.failures import id_reused
from proxy.outbox.message import Accepted, NewMessage
from proxy.outbox.sqlite.database import Database

FORGOTTEN_AT_A_TIME = 2
"With each that is remembered: so they become fewer, and none takes long."


def find(database: Database, message: NewMessage) -> Accepted | None:
    """Returns what the sender of the first message with this id was told. Raises MessageIdReused."""
    for key_id, digest in database.keys.digests(message.sender_id, _context(message.route)):
        row = database.execute(
            "SELECT content, id, accepted_at, expires_at FROM remembered WHERE sender = ? AND forget_at > ?",
            (key_id + digest, message.accepted_at),
        ).fetchone()
        if row is not None:
            content, id_, accepted_at, expires_at = row
            if content != database.keys.digest(message.content_hash, b"content", key_id)[1]:
                raise id_reused()
            return Accepted(id=id_, accepted_at=accepted_at, expires_at=expires_at, is_new=False)
    return None


def remember(database: Database, message: NewMessage) -> None:
    """Remembers the id, and forgets some whose time is over."""
    over = database.execute(
        "SELECT sender FROM remembered WHERE forget_at <= ? ORDER BY forget_at LIMIT ?",
        (message.accepted_at, FORGOTTEN_AT_A_TIME),
    ).fetchall()
    for (sender,) in over:
        _forget(database, sender)
    key_id, digest = database.keys.digest(message.sender_id, _context(message.route))
    _forget(database, key_id + digest)  # its time may be over
    content = database.keys.digest(message.content_hash, b"content")[1]
    times = (message.accepted_at, message.expires_at, message.accepted_at + message.remember)
    database.execute("INSERT INTO remembered VALUES (?, ?, ?, ?, ?, ?)", (key_id + digest, content, message.id, *times))
    database.tally.use(key_id)


def forget(database: Database, route: str, sender_id: bytes, id_: str) -> None:
    """Forgets the id of a message, unless another message has it by now."""
    for key_id, digest in database.keys.digests(sender_id, _context(route)):
        if database.execute("SELECT 1 FROM remembered WHERE sender = ? AND id = ?", (key_id + digest, id_)).fetchone():
            _forget(database, key_id + digest)


def _forget(database: Database, sender: bytes) -> None:
    if database.execute("DELETE FROM remembered WHERE sender = ?", (sender,)).rowcount:
        database.tally.use(sender[:-32], -1)


def _context(route: str) -> bytes:
    return b"sender id " + route.encode()
