"""Kills processes that use an outbox, one after the other: `python -m tests.system.disk.killing FOLDER TIMES`.

Each is killed after some of its answers, and the next one goes on with what it left. Prints each broken promise.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from proxy.outbox.sqlite import reserve
from tests.system.disk.claims import broken_claims
from tests.system.disk.plants import PLANTS
from tests.system.disk.workload import Workload, keys_of

MOST = 2000
"Bytes of answers."


def forked(work: Callable[[], object]) -> int:
    """Start in a process of its own; its id."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    return child


def kill_one(folder: Path, keys: str, seed: int, after: int) -> None:
    """Kill a process when it has written so many bytes of answers."""
    acks = folder / "acks"
    acks.unlink(missing_ok=True)
    child = forked(lambda: asyncio.run(Workload(folder, keys_of(keys), seed).run(1000)))
    while not acks.exists() or acks.stat().st_size < after:
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(folder: Path, times: int, plant: str) -> None:
    """Half of them without keys, then half with."""
    reserve.SIZE = 1 << 20
    if plant:
        PLANTS[plant]()
    chance = random.Random(1)
    for number in range(times):
        keys = "plain" if number < times // 2 else "encrypted"
        kill_one(folder, keys, number, chance.randrange(MOST))

        def report(keys: str = keys) -> None:
            for each in broken_claims(folder, (folder / "acks").read_bytes(), keys_of(keys)):
                sys.stdout.write(f"{each}\n")
            sys.stdout.flush()

        os.waitpid(forked(report), 0)
    sys.stdout.write(f"{times} were killed\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
