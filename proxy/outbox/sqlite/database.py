"""One connection with the numbers and keys that belong to it, and one transaction at a time."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from proxy.clock import Clock
from proxy.outbox.sqlite.schema import Place
from proxy.outbox.sqlite.tally import Tally
from proxy.store.keys import Keys


class KeysNeeded(ValueError):
    """What is kept was encrypted with keys that are not in the keys file."""


@dataclass(slots=True)
class Effects:
    """What follows a commit, outside the database."""

    due: set[str] = field(default_factory=set)
    "Routes of which a message may have become due."
    removed: list[str] = field(default_factory=list)
    "Files of bodies that nothing refers to any more."


class Row(NamedTuple):
    """What scheduling knows of a message, in the order of SELECT. A frozen dataclass would take ten times as long."""

    seq: int
    "The order of commits."
    id: str
    route: str
    place: int
    due_at: float
    accepted_at: float
    expires_at: float
    "Without the time for which its order was blocked by a dead letter, see orders.py."
    lifetime: float
    attempts: int
    begun: int
    "Whether an attempt was begun, and how it ended is not stored."
    code: str
    size: int
    chain: bytes | None
    key_id: bytes
    file: str | None
    file_size: int


SELECT = f"SELECT {', '.join(Row._fields)} FROM messages"  # noqa: S608 - names of ours


class Database:
    """Used by one thread. What raises sqlite3.Error within a transaction has to be rolled back."""

    def __init__(self, connection: sqlite3.Connection, keys: Keys, clock: Clock) -> None:
        """Raises KeysNeeded."""
        self.connection = connection
        self.execute = connection.execute
        self.tally = Tally(connection)
        self.clock = clock
        self.effects = Effects()
        self.keys = keys
        self.replace_keys(keys)

    def replace_keys(self, keys: Keys) -> None:
        """Uses other keys. Raises KeysNeeded if something that is kept could not be read any more."""
        missing = keys.missing(self.tally.key_uses)
        if missing:
            names = ", ".join(sorted(key_id.hex() for key_id in missing))
            raise KeysNeeded(
                f"the outbox has messages or ids that were encrypted with keys that store.keys_file does not have "
                f"(key ids {names}); nothing is lost: add these keys again, below the first"
            )
        self.keys = keys

    def begin(self) -> None:
        """Begins a transaction."""
        self.execute("BEGIN")

    def commit(self) -> Effects:
        """Ends the transaction: durable when this returns. What follows it is returned."""
        self.tally.save(self.connection)
        self.execute("COMMIT")
        self.tally.commit()
        effects, self.effects = self.effects, Effects()
        return effects

    def rollback(self) -> None:
        """Undoes the transaction, also if SQLite has ended it."""
        self.effects = Effects()
        self.tally.rollback()
        if self.connection.in_transaction:
            self.execute("ROLLBACK")

    def checkpoint(self) -> None:
        """Moves what was committed from the log into the database, so that the log is used again from its start."""
        self.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def free_pages(self) -> int:
        """Returns how many pages of the file are not used."""
        return int(self.execute("PRAGMA freelist_count").fetchone()[0])

    def shrink(self, pages: int) -> None:
        """Gives some free pages back to the file system; the next checkpoint cuts the file."""
        self.connection.executescript(f"PRAGMA incremental_vacuum({pages})")  # `execute` stops after one page

    def row(self, id_: str) -> Row | None:
        """Returns a message, if it is there."""
        found = self.rows(f"{SELECT} WHERE id = ?", id_)
        return found[0] if found else None

    def rows(self, statement: str, *values: object) -> Sequence[Row]:
        """Returns the messages that SELECT with a condition finds."""
        return [Row._make(each) for each in self.execute(statement, values)]

    def delete(self, row: Row) -> None:
        """Removes a message, and counts it no more."""
        for table in ("messages", "contents", "history"):
            self.execute(f"DELETE FROM {table} WHERE seq = ?", (row.seq,))  # noqa: S608 - names of ours
        is_dead = row.place == Place.DEAD
        self.tally.add(row.route, waiting=-1 + is_dead, dead=-is_dead, size=-row.size)
        self.tally.use(row.key_id, -1)
        self.tally.taken.pop(row.id, None)
        if row.file is not None:
            self.effects.removed.append(row.file)
