"""An outbox on a disk that has no room left: `python -m tests.system.disk.full_disk FOLDER PLANT`.

It fills the disk, delivers all of it while the disk is full, and accepts again. It ends with 0 if all of that works.
"""

import asyncio
import ctypes
import sys
from pathlib import Path

from proxy.clock import SystemClock
from proxy.errors import OutboxFull
from proxy.outbox.message import DeadLetterCode, HistoryEntry
from proxy.outbox.sqlite import database_thread, reserve
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys
from tests.system.disk.plants import PLANTS
from tests.system.disk.workload import NOW, ROUTE, body_of, message_of, watch

ROOM = 10 << 20


async def fill(store: SqliteOutbox, first: int, size: int) -> list[str]:
    """Accept until the disk is full, 16 at a time; the ids."""
    accepted: list[str] = []
    while True:
        wave = [message_of(f"{first + number:08}", size) for number in range(16)]
        first += len(wave)
        answers = await asyncio.gather(
            *(store.accept(each, max_messages=1 << 40, max_bytes=1 << 40) for each in wave), return_exceptions=True
        )
        accepted += [answer.id for answer in answers if not isinstance(answer, BaseException)]
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, OutboxFull):
                raise answer
        if any(isinstance(answer, OutboxFull) for answer in answers):
            return accepted


async def deliver_all(store: SqliteOutbox) -> list[str]:
    """Deliver until nothing is left, with an attempt that fails for each; the ids."""
    delivered: list[str] = []
    while taken := await store.take(ROUTE, most=16, now=NOW):
        for each in taken:
            await store.begin(each.id, NOW)
            await store.deferred(each.id, next_at=NOW + 1, entry=HistoryEntry(at=NOW, status=503, diagnosis="d" * 200))
    while taken := await store.take(ROUTE, most=16, now=NOW + 1):
        for each in taken:
            body = each.body if isinstance(each.body, bytes) else await each.body.read(0)
            assert body_of(each.id, len(body)) == body
            await store.begin(each.id, NOW)
            await store.delivered(each.id)
            delivered.append(each.id)
    return delivered


async def main(folder: Path, plant: str) -> None:
    """Fill and empty the outbox twice: with bodies in rows, and in files."""
    reserve.SIZE, database_thread.CHECKPOINT_AFTER = 2 << 20, 125  # an eighth of each
    if plant:
        PLANTS[plant]()
    watch(folder, "", 0)
    ctypes.CDLL(None).disk_budget(ctypes.c_long(ROOM))
    store = await SqliteOutbox.open(folder, keys=Keys(), clock=SystemClock())
    for turn, size in enumerate((2_000, 15_000, 100_000)):
        accepted = await fill(store, turn * 1_000_000, size)
        assert len(accepted) > 20, len(accepted)
        dead = (await store.take(ROUTE, most=1, now=NOW))[0].id
        await store.died(dead, DeadLetterCode.REFUSED, None)
        delivered = await deliver_all(store)
        await store.discard(dead)
        assert sorted([*delivered, dead]) == sorted(accepted), (len(delivered), len(accepted))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
