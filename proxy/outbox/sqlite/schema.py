"""The tables, and how a database is opened and brought up to this version.

`messages` has what scheduling needs; `contents` has what is sent, so that an attempt does not rewrite a body. Partial
indexes hold only what their question is about, so that no question costs more with a long backlog:

    due        heads of their order and messages without one, by when they are due
    alive      what is not dead, in the order of acceptance
    dead       dead letters, in the order of acceptance
    chained    messages with an order, one behind the other
    ending     what is not dead, by when to see whether its time is over
    blocking   dead letters with an order
    with_file  messages whose body is a file
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path

from proxy.outbox.sqlite import disk

NAME = "outbox.sqlite3"


class Place(IntEnum):
    """Where a message stands. The numbers are stored, and are in the conditions of the indexes."""

    HEAD = 0
    BEHIND = 1
    "Another message of its order comes first."
    DEAD = 2


_VERSION_1 = """
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, route TEXT NOT NULL, place INTEGER NOT NULL, due_at REAL NOT NULL,
    accepted_at REAL NOT NULL, expires_at REAL NOT NULL, lifetime REAL NOT NULL, attempts INTEGER NOT NULL,
    begun INTEGER NOT NULL, code TEXT NOT NULL, size INTEGER NOT NULL, chain BLOB, key_id BLOB NOT NULL, file TEXT,
    file_size INTEGER NOT NULL);
CREATE UNIQUE INDEX by_id ON messages (id);
CREATE INDEX due ON messages (route, due_at, seq) WHERE place = 0;
CREATE INDEX alive ON messages (route, seq) WHERE place < 2;
CREATE INDEX dead ON messages (route, seq) WHERE place = 2;
CREATE INDEX chained ON messages (chain, seq) WHERE chain IS NOT NULL;
CREATE INDEX with_file ON messages (file) WHERE file IS NOT NULL;
CREATE TABLE contents (seq INTEGER PRIMARY KEY, method TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE history (
    seq INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,
    diagnosis TEXT NOT NULL, mpl_id TEXT NOT NULL, PRIMARY KEY (seq, number)) WITHOUT ROWID;
CREATE TABLE pauses (chain BLOB PRIMARY KEY, paused REAL NOT NULL, dead_since REAL) WITHOUT ROWID;
CREATE TABLE remembered (
    sender BLOB PRIMARY KEY, content BLOB NOT NULL, id TEXT NOT NULL, accepted_at REAL NOT NULL,
    expires_at REAL NOT NULL, forget_at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX forgotten ON remembered (forget_at);
CREATE TABLE routes (
    route TEXT PRIMARY KEY, waiting INTEGER NOT NULL, dead INTEGER NOT NULL, bytes INTEGER NOT NULL,
    held INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE key_uses (key_id BLOB PRIMARY KEY, uses INTEGER NOT NULL) WITHOUT ROWID;
"""

_VERSION_2 = """
ALTER TABLE messages ADD COLUMN look_at REAL;
CREATE INDEX ending ON messages (route, coalesce(look_at, expires_at), seq) WHERE place < 2;
CREATE INDEX blocking ON messages (chain, seq) WHERE place = 2 AND chain IS NOT NULL;
"""
"`look_at` is empty as long as it would be `expires_at`; see expiring.py."

Migration = Callable[[sqlite3.Connection], None]
"Brings a database to the next version, within a transaction."


def _run(statements: str, connection: sqlite3.Connection) -> None:
    for statement in statements.split(";\n"):
        connection.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (partial(_run, _VERSION_1), partial(_run, _VERSION_2))
"The n-th makes version n + 1."


class SchemaTooNew(ValueError):
    """A newer version of the proxy has written the database."""


def open_database(folder: Path, migrations: Sequence[Migration] = MIGRATIONS) -> sqlite3.Connection:
    """Opens the database for this process alone; blocks. Raises SchemaTooNew, sqlite3.Error or OSError."""
    path = folder / NAME
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the same rights
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        _prepare(connection)
        _migrate(connection, migrations, path)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        disk.sync_folder(folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in (
        "locking_mode = EXCLUSIVE",  # no other connection, so the index of the log is no mapped file
        "auto_vacuum = INCREMENTAL",  # before the first table
        "journal_mode = WAL",
        "synchronous = FULL",  # NORMAL loses commits at a power failure
        "mmap_size = 0",
        "wal_autocheckpoint = 0",  # its failures would not be told
        "secure_delete = ON",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise SchemaTooNew(
            f"{path} has version {version}, but this proxy knows versions up to {len(migrations)}; "
            "run the newer proxy that wrote it, or name another store.path"
        )
    for number in range(version, len(migrations)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            migrations[number](connection)
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
