"""What a proxy takes before any load: how long its start, how much memory, and that with a thousand idle senders."""

import asyncio
import statistics
from time import monotonic

from aiohttp import ClientSession

from bench.crowd import crowd
from bench.process import resident, rest
from bench.stage import Pinned, Stage, first
from bench.table import heading, row, say
from tests.system.command import Proxy

STARTS = 5
CROWD = 1000
READY_LIMIT, IDLE_LIMIT, CROWD_LIMIT = 1000.0, 60.0, 90.0
"Milliseconds, and MiB twice."
MEBI = 1024
"KiB."


async def footprint(set_up: Stage) -> None:
    """Measures, and prints the table."""
    file, starts = set_up.written("figures"), []
    for _ in range(STARTS):
        began = monotonic()
        async with Pinned(file) as proxy, ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{proxy.admin_port}/readyz") as ready:
                ready.raise_for_status()
            starts.append((monotonic() - began) * 1000)
    async with Pinned(file) as proxy:
        await first(proxy.port, "/orders")
        await asyncio.to_thread(rest, proxy.pid)
        idle = resident(proxy.pid) / MEBI
        crowded = await asyncio.to_thread(with_crowd, proxy)
    spread = f" ({min(starts):.0f}-{max(starts):.0f})"
    say(heading("", "figure", "limit", words=1))
    say(line("start to ready", statistics.median(starts), READY_LIMIT, "ms", spread))
    say(line("RSS, idle", idle, IDLE_LIMIT, "MiB"))
    say(line(f"RSS, {CROWD} idle senders", crowded, CROWD_LIMIT, "MiB"))


def with_crowd(proxy: Proxy) -> float:
    """MiB with senders that have had an exchange and keep their connection."""
    with crowd(proxy.port, "/orders", idle=CROWD):
        rest(proxy.pid)
        return resident(proxy.pid) / MEBI


def line(name: str, measured: float, limit: float, unit: str, spread: str = "") -> str:
    """A row of the table of figures."""
    verdict = "held" if measured <= limit else "MISSED"
    return row((name, f"{measured:.0f} {unit}{spread}", f"{limit:.0f} {unit} {verdict}"))
