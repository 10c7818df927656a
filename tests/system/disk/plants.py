"""Bugs that a proof of the outbox has to find: each is planted where a line of the source would have it."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from proxy.outbox.sqlite import disk, schema
from proxy.outbox.sqlite.database import Database, Effects
from proxy.outbox.sqlite.database_thread import DatabaseThread
from proxy.outbox.sqlite.reserve import Reserve


def _normal_instead_of_full() -> None:
    real: Callable[..., Any] = schema._prepare

    def prepare(connection: sqlite3.Connection) -> None:
        real(connection)
        connection.execute("PRAGMA synchronous = NORMAL")

    schema._prepare = prepare


def _answer_before_commit() -> None:
    real = DatabaseThread._transact

    def transact(self: DatabaseThread, database: Database, calls: Any) -> Effects:
        def commit() -> Effects:
            self._answer(calls, Effects())
            calls[0].loop.call_soon_threadsafe(answered.set)
            answered.wait(5)
            return Database.commit(database)

        answered = threading.Event()
        database.commit = commit  # type: ignore[method-assign]
        try:
            return real(self, database, calls)
        finally:
            del database.commit

    DatabaseThread._transact = transact  # type: ignore[method-assign]


def _unlink_before_commit() -> None:
    real = Database.commit

    def commit(self: Database) -> Effects:
        folder = Path(self.connection.execute("PRAGMA database_list").fetchone()[2]).parent / "bodies"
        for name in self.effects.removed:
            (folder / name).unlink()
        return real(self)

    Database.commit = commit  # type: ignore[method-assign]


def _body_not_synced() -> None:
    disk.sync = os.fstat  # type: ignore[assignment]


def _folder_not_synced() -> None:
    disk.sync_folder = os.stat  # type: ignore[assignment]


def _failed_commit_ignored() -> None:
    real = Database.commit

    def commit(self: Database) -> Effects:
        try:
            return real(self)
        except sqlite3.OperationalError:
            self.rollback()
            return Effects()

    Database.commit = commit  # type: ignore[method-assign]


def _failed_sync_of_a_body_ignored() -> None:
    real = disk.sync

    def sync(descriptor: int) -> None:
        with suppress(OSError):
            real(descriptor)

    disk.sync = sync


def _no_reserve() -> None:
    def make(self: Reserve) -> bool:
        self.is_there = True
        return True

    Reserve.make = make  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {
    "normal-instead-of-full": _normal_instead_of_full,
    "answer-before-commit": _answer_before_commit,
    "unlink-before-commit": _unlink_before_commit,
    "body-not-synced": _body_not_synced,
    "folder-not-synced": _folder_not_synced,
    "failed-commit-ignored": _failed_commit_ignored,
    "failed-sync-of-a-body-ignored": _failed_sync_of_a_body_ignored,
    "no-reserve": _no_reserve,
}
