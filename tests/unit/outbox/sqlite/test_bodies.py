"""Bodies as files."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import OutboxFull, OutboxUnavailable
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys
from tests.cases import cases
from tests.fakes.clock import HandClock
from tests.unit.outbox.store_contract import LARGE, NOW, HeldBody, accept, octets, taken


@pytest.fixture
async def store(tmp_path: Path, keys: Keys) -> AsyncIterator[SqliteOutbox]:
    """A store, plain and encrypted."""
    store = await SqliteOutbox.open(tmp_path, keys=keys, clock=HandClock(wall=NOW))
    yield store
    await store.close()


def names(folder: Path) -> set[str]:
    """The files of bodies."""
    return {path.name for path in (folder / "bodies").iterdir()}


async def until_gone(folder: Path, there: set[str]) -> None:
    """A thread removes the others."""
    deadline = time.monotonic() + 30
    while names(folder) != there:
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


async def test_a_body_is_read_from_any_byte(store: SqliteOutbox) -> None:
    """To its end, and not beyond."""
    body = await store.body(await accept(store, body=LARGE))
    assert not isinstance(body, bytes)
    for at in (0, 1, 256 << 10, (256 << 10) + 7, len(LARGE) - 1):
        piece = await body.read(at)
        assert piece
        assert LARGE[at:].startswith(piece)
    assert await body.read(len(LARGE)) == b""


@cases("change", "cut", "gone")
async def test_a_file_that_was_damaged_is_not_delivered(store: SqliteOutbox, tmp_path: Path, change: str) -> None:
    """Reading it fails."""
    body = await store.body(await accept(store, body=LARGE))
    (path,) = (tmp_path / "bodies").iterdir()
    if change == "cut":
        os.truncate(path, path.stat().st_size - 1)
    else:
        path.unlink()
    with pytest.raises(OutboxUnavailable):
        await octets(body)


@pytest.mark.parametrize("keys", ["encrypted"], indirect=True)
async def test_pieces_that_were_exchanged_are_not_delivered(store: SqliteOutbox, tmp_path: Path) -> None:
    """Each belongs to its place."""
    body = await store.body(await accept(store, body=LARGE))
    (path,) = (tmp_path / "bodies").iterdir()
    piece = (256 << 10) + 28
    content = path.read_bytes()
    path.write_bytes(content[piece : 2 * piece] + content[:piece] + content[2 * piece :])
    with pytest.raises(OutboxUnavailable, match="a stored value was changed"):
        await octets(body)


@cases("number, error", (errno.ENOSPC, OutboxFull), (errno.EIO, OutboxUnavailable))
@cases("call", "create", "write", "sync", "sync_folder")
async def test_a_body_that_cannot_be_written_is_not_accepted(
    store: SqliteOutbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: type[Exception]
) -> None:
    """It leaves nothing behind."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    await store.routes()
    monkeypatch.setattr(f"proxy.outbox.sqlite.disk.{call}", fail)
    with pytest.raises(error):
        await accept(store, body=LARGE)
    monkeypatch.undo()
    await until_gone(tmp_path, set())
    await accept(store, body=LARGE)


async def test_a_body_that_ends_early_is_not_accepted(store: SqliteOutbox, tmp_path: Path) -> None:
    """Its size was another one."""
    body = HeldBody(LARGE)
    body.size += 1
    with pytest.raises(OutboxUnavailable, match="the body was cut"):
        await accept(store, body=body)
    await until_gone(tmp_path, set())


async def test_a_file_goes_with_its_message(store: SqliteOutbox, tmp_path: Path) -> None:
    """However that ends."""
    given: dict[str, Any] = {"sender_id": b"id", "remember": 9.0, "content_hash": b"h", "body": LARGE}
    kept = await accept(store, **given)
    (file,) = names(tmp_path)
    for change in ({}, {"content_hash": b"other"}):
        await asyncio.gather(accept(store, **{**given, **change}), return_exceptions=True)
        await until_gone(tmp_path, {file})
    await taken(store)
    await store.delivered(kept)
    await until_gone(tmp_path, set())
    await store.discard(await accept(store, body=LARGE))
    await until_gone(tmp_path, set())


async def test_what_a_crash_left_behind_is_swept(
    store: SqliteOutbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What messages have or will have stays."""
    monkeypatch.setattr("proxy.outbox.sqlite.bodies.NAMES_AT_A_TIME", 2)
    await accept(store, body=LARGE)
    await store.close()
    (kept,) = names(tmp_path)
    for number in range(5):
        (tmp_path / "bodies" / f"left-{number}").write_bytes(b"")
    again = await SqliteOutbox.open(tmp_path, keys=store._keys, clock=HandClock(wall=NOW))
    await accept(again, body=LARGE)
    await until_gone(tmp_path, {kept, *(name for name in names(tmp_path) if name.startswith(again._bodies._run))})
    await again.close()


async def test_a_sweep_that_fails_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later start does it."""

    def fail(_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.scandir", fail)
    store = await SqliteOutbox.open(tmp_path, keys=Keys(), clock=HandClock(wall=NOW))
    assert store._sweep is not None
    await store._sweep
    await accept(store)
    await store.close()


async def test_a_disk_without_threads_for_it_keeps_the_file(
    store: SqliteOutbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is swept at a later start."""
    id_ = await accept(store, body=LARGE)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "no thread can be started")

    monkeypatch.setattr(store._bodies._threads, "submit", fail)
    await store.discard(id_)
    assert len(names(tmp_path)) == 1
