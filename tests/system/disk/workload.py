"""What a process does with an outbox before its disk, or the process itself, fails.

`python -m tests.system.disk.workload` reads what to do from its arguments. Beside the outbox, in `acks`, it writes what
the outbox has told it, after it was told; and what it is going to ask for, before it asks.
"""

import argparse
import asyncio
import ctypes
import errno
import hashlib
import os
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from proxy.clock import SystemClock
from proxy.errors import OwnError
from proxy.outbox.message import DeadLetterCode, HistoryEntry, NewMessage
from proxy.outbox.sqlite import reserve
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys
from tests.system.disk.plants import PLANTS
from tests.unit.store.test_keys import ROTATED

ROUTE = "orders"
NOW = 1_000_000.0
ENDED = 42
"The exit status of a process that the disk ended."
SIZES = (0, 700, 20_000, 300_000)
"Of bodies: in the row, in the row, in a file, and in a file of two pieces."


def body_of(id_: str, size: int) -> bytes:
    """The body of a message, which is not the body of another."""
    seed = hashlib.sha256(id_.encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]


def keys_of(name: str) -> Keys:
    """The keys by their name."""
    return ROTATED if name == "encrypted" else Keys()


def message_of(id_: str, size: int, order: bytes | None = None) -> NewMessage:
    """A message with a body of that size."""
    return NewMessage(
        id=id_,
        route=ROUTE,
        sender_id=id_.encode(),
        remember=60.0,
        content_hash=b"hash",
        method="POST",
        target=b"",
        fields=(b"A: b",),
        body=body_of(id_, size),
        order=order,
        accepted_at=NOW,
        expires_at=NOW + 1000,
    )


class Workload:
    """One process with an outbox."""

    def __init__(self, folder: Path, keys: Keys, seed: int) -> None:
        self._folder, self._keys, self._seed = folder, keys, seed
        self._random = random.Random(seed)
        self._number = 0
        self._acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def run(self, rounds: int) -> None:
        for _ in range(rounds):
            store = await self._opened()
            await asyncio.gather(self._accept(store, b"o", 3), *(self._accept(store, None, 1) for _ in range(5)))
            with suppress(OwnError):
                taken = await store.take(ROUTE, most=6, now=NOW)
                await asyncio.gather(*(self._deliver(store, each.id) for each in taken), return_exceptions=True)
            await self._accept(store, None, 2)
            await store.close()

    async def _opened(self) -> SqliteOutbox:
        """Try until the disk works."""
        while True:
            with suppress(OwnError):
                return await SqliteOutbox.open(self._folder, keys=self._keys, clock=SystemClock())

    def ack(self, *words: object) -> None:
        os.write(self._acks, " ".join(map(str, words)).encode() + b"\n")

    async def _accept(self, store: SqliteOutbox, order: bytes | None, messages: int) -> None:
        for _ in range(messages):
            self._number += 1
            id_, size = f"{self._seed:04}-{self._number:06}", self._random.choice(SIZES)
            message = message_of(id_, size, order)
            try:
                await store.accept(message, max_messages=1 << 40, max_bytes=1 << 40)
            except OwnError as error:
                self.ack("refused", id_, error.code)
            else:
                self.ack("accepted", id_, size, "free" if order is None else "ordered")

    async def _deliver(self, store: SqliteOutbox, id_: str) -> None:
        await store.begin(id_, NOW)
        self.ack("begun", id_)
        ending = self._random.choice(["delivered", "delivered", "deferred", "died", "nothing"])
        entry = HistoryEntry(at=NOW, status=503)
        if ending == "delivered":
            self.ack("leaving", id_)
            await store.delivered(id_)
            self.ack("left", id_)
        elif ending != "nothing":
            self.ack("settling", id_)
            if ending == "deferred":
                await store.deferred(id_, next_at=NOW, entry=entry)
            else:
                await store.died(id_, DeadLetterCode.UNCERTAIN, entry)


def main(arguments: Sequence[str]) -> int:
    """Once, or once for each step at which it is to be ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keys", default="plain")
    parser.add_argument("--plant", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--log", default="")
    parser.add_argument("--fail-sync", type=int, help="the number of a sync that fails, once")
    parser.add_argument("--end-at", type=int, nargs="*", default=[])
    given = parser.parse_args(arguments)
    reserve.SIZE = 1 << 20
    if given.plant:
        PLANTS[given.plant]()

    def work(folder: Path, end_at: int) -> None:
        workload = Workload(folder, keys_of(given.keys), given.seed)
        watch(folder, given.log, end_at)
        if given.fail_sync is not None:
            ctypes.CDLL(None).disk_fail_syncs(errno.EIO, given.fail_sync, 1)
        asyncio.run(workload.run(given.rounds))

    if not given.end_at:
        work(given.folder, 0)
    for step in given.end_at:
        folder = given.folder / str(step)
        folder.mkdir()
        sys.stdout.write(f"{step} {_forked(partial(work, folder, step))}\n")
    return 0


def watch(folder: Path, log: str, end_at: int) -> None:
    """Tell the disk of tests/system/disk/shim.c, if this process has it."""
    if "LD_PRELOAD" in os.environ:
        ctypes.CDLL(None).disk_watch(str(folder).encode(), log.encode(), ctypes.c_long(end_at))


def _forked(work: Callable[[], None]) -> int:
    """Run in a process of its own; its exit status."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
