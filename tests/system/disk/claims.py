"""What an outbox has promised, compared with what the next process finds in its folder."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from proxy.clock import SystemClock
from proxy.outbox.message import MessageState
from proxy.outbox.sqlite.database import Database
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.outbox.store import MessageUnknown
from proxy.store.keys import Keys
from tests.system.disk.workload import NOW, ROUTE, body_of


def broken_claims(folder: Path, acks: bytes, keys: Keys) -> list[str]:
    """Each promise that is not kept."""
    try:
        return asyncio.run(_broken_claims(folder, acks, keys))
    except Exception as error:  # noqa: BLE001 - whatever keeps the next process from reading the folder
        return [f"the outbox cannot be read: {error!r}"]


async def _broken_claims(folder: Path, acks: bytes, keys: Keys) -> list[str]:
    told = _told(acks)
    store = await SqliteOutbox.open(folder, keys=keys, clock=SystemClock())
    try:
        return [
            *[each async for each in _lost(store, told)],
            *await store._thread.submit(_damaged),
            *await _miscounted(store),
            *await _disordered(store, told),
            *await _left_behind(store, folder),
            *await _not_interrupted(store, told),
        ]
    finally:
        await store.close()


def _told(acks: bytes) -> dict[str, dict[str, list[str]]]:
    """By kind and id, what was said; a line that was cut was not."""
    told: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for line in acks.decode().split("\n")[:-1]:
        kind, id_, *more = line.split()
        told[kind][id_] = more
    return told


async def _lost(store: SqliteOutbox, told: dict[str, dict[str, list[str]]]) -> AsyncIterator[str]:
    for id_, (size, _) in told["accepted"].items():
        try:
            body = await store.body(id_)
        except MessageUnknown:
            if id_ not in told["leaving"]:
                yield f"{id_} was accepted and is lost"
            continue
        if id_ in told["left"]:
            yield f"{id_} was delivered and is there"
        content = body if isinstance(body, bytes) else b""
        if not isinstance(body, bytes):
            while piece := await body.read(len(content)):
                content += piece
        if content != body_of(id_, int(size)):
            yield f"{id_} has another body"


def _damaged(database: Database) -> list[str]:
    return [f"damaged: {each}" for (each,) in database.execute("PRAGMA integrity_check") if each != "ok"]


async def _miscounted(store: SqliteOutbox) -> list[str]:
    counted = [(each.waiting, each.dead, each.bytes) for each in await store.routes()]
    there = await store.messages(route=None, state=None, limit=1 << 20, after=None)
    dead = sum(each.state is MessageState.DEAD for each in there)
    expected = [(len(there) - dead, dead, sum(each.bytes for each in there))] if there else []
    return [] if counted == expected else [f"counted {counted}, but there are {expected}"]


async def _disordered(store: SqliteOutbox, told: dict[str, dict[str, list[str]]]) -> list[str]:
    ordered = {id_ for id_, (_, order) in told["accepted"].items() if order == "ordered"}
    there = await store.messages(route=ROUTE, state=None, limit=1 << 20, after=None)
    ids = [each.id for each in there if each.id in ordered]
    return [] if ids == sorted(ids) else [f"the order is {ids}"]


async def _left_behind(store: SqliteOutbox, folder: Path) -> list[str]:
    assert store._sweep is not None
    await store._sweep
    used = await store._thread.submit(
        lambda database: {name for (name,) in database.execute("SELECT file FROM messages WHERE file IS NOT NULL")}
    )
    there = {path.name for path in (folder / "bodies").iterdir()}
    return (
        [] if used == there else [f"files {sorted(there - used)} are left behind, {sorted(used - there)} are missing"]
    )


async def _not_interrupted(store: SqliteOutbox, told: dict[str, dict[str, list[str]]]) -> list[str]:
    found = {each.id: each.interrupted for each in await store.take(ROUTE, most=1 << 20, now=NOW * 2)}
    begun = told["begun"].keys() - told["settling"].keys() - told["leaving"].keys()
    return [f"{id_} was begun, and is not told as interrupted" for id_ in begun if found.get(id_) is False]
