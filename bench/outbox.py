"""What an outbox costs: accepting, delivering what is due, starting with a long backlog, and waiting.

A message is forwarded, accepted while the route is held, and accepted while deliveries run beside, in turn; the ratios
are of measurements seconds apart. The store is filled by this process, and then opened by a proxy.
"""

import asyncio
import json
import os
import re
import sqlite3
import statistics
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.laboratory import Laboratory, laboratory
from bench.load import Figures, Load, measure, wrk
from bench.machine import free_port, lacking, machine
from bench.process import PATIENCE, Process, on_cpu, resident, rest
from bench.table import heading, held, row, say, spread
from proxy.clock import SystemClock
from proxy.outbox.message import NewMessage
from proxy.outbox.message_ids import MessageIds
from proxy.outbox.sqlite.schema import NAME
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS", "3"))
CONNECTIONS = 64
FORWARDED = Load("forwarded", "/orders/0", CONNECTIONS)
ACCEPTED = Load("accepted", "/orders/1", CONNECTIONS)
FEW = Load("forwarded, 4 connections", "/orders/0", 4)
"As many as deliveries of a route run at a time."
DUE, WAITING = 1000, 100_000
LATER = 86_400.0
CPU_LIMIT, RATE_LIMIT, P99_LIMIT, START_LIMIT, MEMORY_LIMIT = 2.5, 1500.0, 100.0, 1.0, 20.0
"Ratio, messages a second, milliseconds, seconds, MiB."
KEEPING = {"answer": 200, "max_messages": 10_000_000}
BODY = b"<order/>" * 128
FIELDS = (b"Content-Type: application/xml", b"User-Agent: SAP NetWeaver Application Server (1.0;758)")


def main() -> None:
    """Measures, and prints the tables."""
    if reason := lacking(CONNECTIONS):
        say(f"No outbox: {reason}")
        return
    say(f"{machine()}; {ROUNDS} rounds of {SECONDS} s; 1 KB POST\n")
    with laboratory() as lab:
        acceptance(lab)
        emptying(lab)
        standing(lab)


def acceptance(lab: Laboratory) -> None:
    """What an accepted message costs beside one that is forwarded."""
    say(heading("64 connections", "CPU", "x forwarded (range)", "messages/s", "p50 ms", "p99 ms", "limit", words=1))
    folder = made(lab, "acceptance")
    asyncio.run(hold(folder))
    with proxy(lab, folder) as (process, port):
        wrk(port, ACCEPTED, 1)
        rounds = [turn(process, port) for _ in range(ROUNDS)]
    folder = made(lab, "both")
    with proxy(lab, folder) as (process, port):
        both = [measure(process.pid, port, ACCEPTED, SECONDS) for _ in range(ROUNDS)]
    forwarded = [each for each, _ in rounds]
    alone = [each for _, each in rounds]
    ratios = [accepted.cost / passed.cost for passed, accepted in rounds]
    say(line("forwarded", forwarded, "1.00", "-"))
    rate, p99 = statistics.median(each.rate for each in alone), statistics.median(each.p99 for each in alone)
    verdict = f"{held(ratios, CPU_LIMIT)}; {kept(-rate, -RATE_LIMIT)}; {kept(p99, P99_LIMIT)}"
    say(line("accepted", alone, spread(ratios), verdict))
    say(line("accepted, and delivered beside", both, "-", "-"))


def turn(process: Process, port: int) -> tuple[Figures, Figures]:
    """Forwarded, and accepted."""
    return measure(process.pid, port, FORWARDED, SECONDS), measure(process.pid, port, ACCEPTED, SECONDS)


def emptying(lab: Laboratory) -> None:
    """How fast what is due at once is delivered, and its cost."""
    folder, moment = made(lab, "emptying"), time.time() + 12 + SECONDS
    asyncio.run(fill(folder, DUE))
    due_at(folder, moment)
    with proxy(lab, folder) as (process, port):
        wrk(port, FEW, 1)
        forwarded = measure(process.pid, port, FEW, SECONDS)
        rest(process.pid)
        time.sleep(max(0.0, moment - time.time() - 1))
        before, said = on_cpu(process.pid), lab.log(port)
        if time.time() >= moment:
            sys.exit("the machine is too busy: the messages were due before all was ready")
        while len(times := delivered(said)) < DUE and time.time() < moment + PATIENCE:
            time.sleep(0.2)
        cost = (on_cpu(process.pid) - before) / DUE * 1e6
    if len(times) < DUE:
        sys.exit(f"only {len(times)} were delivered")
    seconds = max(times) - min(times)
    say(f"\n{heading(f'{DUE} due at once, 4 at a time', 'CPU', 'messages/s', words=1)}")
    say(row(("forwarded, 4 connections", f"{forwarded.cost:.0f} µs", f"{forwarded.rate:.0f}")))
    say(row(("delivered", f"{cost:.0f} µs", f"{DUE / seconds:.0f}")))


def standing(lab: Laboratory) -> None:
    """What a proxy takes that has nothing to deliver now."""
    say(
        f"\n{heading('waiting messages', 'ready after', 'CPU until then', 'RSS', 'wake-ups in 10 s', 'limit', words=1)}"
    )
    began = time.monotonic()
    with lab.proxy(free_port()) as process:
        ready, spent = time.monotonic() - began, on_cpu(process.pid)
        rest(process.pid)
        say(
            row(
                (
                    "no outbox",
                    f"{ready:.2f} s",
                    f"{spent:.2f} s",
                    f"{resident(process.pid) / 1024:.1f} MiB",
                    str(wake_ups(process.pid)),
                    "-",
                )
            )
        )
    figures = []
    for count in (0, WAITING):
        folder = made(lab, f"standing-{count}")
        asyncio.run(fill(folder, count))
        due_at(folder, time.time() + LATER)
        began = time.monotonic()
        with proxy(lab, folder) as (process, _):
            ready, spent = time.monotonic() - began, on_cpu(process.pid)
            rest(process.pid)
            figures.append((ready, spent, resident(process.pid) / 1024, wake_ups(process.pid)))
    for count, (ready, spent, memory, woken) in zip((0, WAITING), figures, strict=True):
        verdict = f"{kept(ready, START_LIMIT)}; {kept(memory - figures[0][2], MEMORY_LIMIT)}" if count else "-"
        say(row((str(count), f"{ready:.2f} s", f"{spent:.2f} s", f"{memory:.1f} MiB", str(woken), verdict)))


def wake_ups(pid: int) -> int:
    """Of the threads of a process, in ten seconds."""
    before = waits(pid)
    time.sleep(10)
    return waits(pid) - before


def waits(pid: int) -> int:
    """How often they did so far."""
    found = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
    statuses = (each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(match[1]) for text in statuses if (match := found.search(text)))


def made(lab: Laboratory, name: str) -> Path:
    """A folder for a store."""
    folder = lab.folder / name
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def proxy(lab: Laboratory, folder: Path) -> Iterator[tuple[Process, int]]:
    """Forwards the first route, and keeps the messages of the second."""
    port = free_port()
    with lab.proxy(port, routes=2, outbox=KEEPING, store={"path": str(folder)}) as process:
        yield process, port


async def hold(folder: Path) -> None:
    """Has the second route held."""
    store = await SqliteOutbox.open(folder, keys=Keys(), clock=SystemClock())
    await store.hold("orders-1")
    await store.close()


async def fill(folder: Path, count: int) -> None:
    """Accepts so many messages, some hundred at a time."""
    store = await SqliteOutbox.open(folder, keys=Keys(), clock=SystemClock())
    new_id = MessageIds(time.time)
    for at in range(0, count, 256):
        await asyncio.gather(*(one(store, new_id()) for _ in range(min(256, count - at))))
    await store.close()


def one(store: SqliteOutbox, id_: str) -> Coroutine[Any, Any, Any]:
    """Accepts a message."""
    now = time.time()
    message = NewMessage(
        id=id_,
        route="orders-1",
        sender_id=b"",
        remember=0.0,
        content_hash=b"",
        method="POST",
        target=b"",
        fields=FIELDS,
        body=BODY,
        order=None,
        accepted_at=now,
        expires_at=now + 10 * LATER,
    )
    return store.accept(message, max_messages=10_000_000, max_bytes=1 << 40)


def due_at(folder: Path, moment: float) -> None:
    """Makes all messages due then."""
    with closing(sqlite3.connect(folder / NAME)) as connection, connection:
        connection.execute("UPDATE messages SET due_at = ?", (moment,))


def delivered(log: Path) -> list[float]:
    """When messages were delivered, by the log."""
    lines = [json.loads(each) for each in log.read_text().splitlines() if '"message.delivered"' in each]
    return [datetime.fromisoformat(each["timestamp"]).timestamp() for each in lines]


def line(name: str, figures: list[Figures], ratio: str, limit: str) -> str:
    """One row of the table of acceptance."""
    cost, rate, p50, p99 = (
        statistics.median(getattr(each, figure) for each in figures) for figure in ("cost", "rate", "p50", "p99")
    )
    return row((name, f"{cost:.0f} µs", ratio, f"{rate:.0f}", f"{p50:.1f}", f"{p99:.1f}", limit))


def kept(measured: float, limit: float) -> str:
    """A limit, and whether it is kept; both negative for a least."""
    return f"{abs(limit):g} {'held' if measured <= limit else 'MISSED'}"
