"""What becomes of messages while something happens: reloads, restarts, a new secret, servers that are away.

200 messages a second come to the real command, whatever became of those before, and go to an upstream with TLS 1.3
that counts them and takes 20 ms for each. Each kind of trouble meets load of its own, with quiet before and after. The
outage of the token endpoint is the last one: the token of its OAuth client is as old by then as the command is, so that
it is to be renewed while nobody grants one, and is live all the same until the outage is over. An exchange that went
well is not logged; beside that, all is on that is on by default.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from time import monotonic

import uvloop

from bench.footprint import CROWD, footprint
from bench.laboratory import LOAD_CORE
from bench.machine import free_port, lacking_cores, lacking_descriptors, machine
from bench.outcomes import COLUMNS, Event, failings, line
from bench.stage import Pinned, Stage, first, stage
from bench.table import heading, say
from bench.traffic import RATE, Message, Traffic
from tests.system.command import Activated, Proxy

QUIET = float(os.environ.get("SECONDS", "2"))
"Seconds before and after each event, and between two of a kind."
TAKES = 0.02
"Seconds that the upstream takes for a message."
RELOADS, RESTARTS = 10, 3
AWAY = 2.0
"Seconds until the upstream is back."
OUTAGE = 30.0
"Seconds without token endpoint: half of it refuses connections, half of it takes them and says nothing."
SHORT, LONG = 8.0, max(120.0, 60 + 30 * QUIET)
"Seconds that tokens last: of the OAuth client whose secret changes, and of the one that meets the outage."
MARGIN = 2.0
"Seconds that the latter is still good for when the outage is over."
BACKLOG = 4096
"Of a socket that systemd opens."
ACCEPTED, UPSTREAM_AWAY = ("200",), ("200", "502 upstream_closed", "502 upstream_unreachable")
"Outcomes that an event may have."


def main() -> None:
    """Measures, prints the table and the figures, and ends with 1 if a promise was broken."""
    if reason := lacking_cores() or lacking_descriptors(CROWD):
        say(f"No trouble: {reason}")
        return
    say(f"{machine()}; {RATE} messages a second\n")
    affinity = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            broken = runner.run(measure())
    finally:
        os.sched_setaffinity(0, affinity)
    if broken:
        sys.exit(f"Broken: {'; '.join(broken)}.")


async def measure() -> list[str]:
    """One event after the other; the promises that were broken."""
    broken: list[str] = []
    async with stage(TAKES, orders=SHORT, invoices=LONG) as set_up:
        await footprint(set_up)
        say("\n" + heading(*COLUMNS, words=1))
        every: list[Message] = []
        async for event in events(set_up):
            every += event.messages
            say(line(event.name, event.messages, set_up.upstream.arrived))
            broken += failings(event, set_up.upstream.arrived)
        say(line("all", every, set_up.upstream.arrived))
        stray = set_up.upstream.arrived.keys() - {each.number for each in every}
    return broken + [f"{each} arrived, which nobody sent" for each in sorted(stray)]


async def events(set_up: Stage) -> AsyncIterator[Event]:
    """Each with its load, one after the other."""
    async with Pinned(set_up.written("proxy")) as proxy:
        await first(proxy.port, "/invoices")
        granted = monotonic()
        await first(proxy.port, "/orders")
        yield await under_load(set_up, "nothing", proxy.port, lambda: asyncio.sleep(QUIET))
        yield await under_load(set_up, f"{RELOADS} reloads", proxy.port, lambda: reloads(set_up, proxy))
        yield await under_load(set_up, "a rotated secret", proxy.port, lambda: rotated_secret(set_up))
        yield await under_load(
            set_up,
            f"the upstream cuts its connections, then is away for {AWAY:g} s",
            proxy.port,
            lambda: upstream_restart(set_up),
            UPSTREAM_AWAY,
        )
        yield await restarts(set_up)
        yield await rolling_restarts(set_up)
        await asyncio.sleep(left := granted + LONG - MARGIN - OUTAGE - QUIET - monotonic())
        if left < 0:
            sys.exit("The token would not last until the end of the outage: the machine is too slow for this.")
        yield await under_load(
            set_up,
            f"no token endpoint for {OUTAGE:g} s",
            proxy.port,
            lambda: outage(set_up, proxy),
            path="/invoices",
        )


async def under_load(
    set_up: Stage,
    name: str,
    port: int,
    happens: Callable[[], Awaitable[None]],
    may: tuple[str, ...] = ACCEPTED,
    *,
    path: str = "/orders",
) -> Event:
    """Quiet, then something happens, then quiet."""
    traffic = Traffic(path, set_up.numbers)
    async with traffic.running(port):
        await asyncio.sleep(QUIET)
        await happens()
        await asyncio.sleep(QUIET)
    return Event(name, traffic.messages, may)


async def reloads(set_up: Stage, proxy: Proxy) -> None:
    """A route comes and goes, and limits change."""
    for number in range(1, RELOADS + 1):
        orders = set_up.route("/orders", "orders", max_body=f"{number}MiB")
        added = set_up.route(f"/more-{number}", "orders")
        kept = set_up.route("/invoices", "invoices")
        set_up.written("proxy", routes=[orders, added, kept], limits={"max_connections": 5000 + number})
        proxy.send(signal.SIGHUP)
        await proxy.logged("config.reloaded", number)
        await asyncio.sleep(QUIET / 3)


async def rotated_secret(set_up: Stage) -> None:
    """When the new one is used, the old one is good no more."""
    endpoint = set_up.endpoint
    endpoint.secrets = {"first", "second"}
    set_up.secret("orders", "second")
    await endpoint.grants("second", 1)
    endpoint.secrets = {"second"}
    await endpoint.grants("second", 3)


async def upstream_restart(set_up: Stage) -> None:
    """Its connections are cut; later it is away for a while."""
    await set_up.upstream.cuts()
    await asyncio.sleep(QUIET)
    await set_up.upstream.goes_away()
    await asyncio.sleep(AWAY)
    await set_up.upstream.comes_back()


async def outage(set_up: Stage, proxy: Proxy) -> None:
    """Connections are refused, then taken and left without an answer."""
    endpoint = set_up.endpoint
    endpoint.secrets, endpoint.unanswered = {"first"}, 0
    before, granted = failed_grants(proxy), endpoint.granted["first"]
    await endpoint.goes_away()
    await asyncio.sleep(OUTAGE / 2)
    endpoint.hangs = True
    await endpoint.comes_back()
    refused = failed_grants(proxy) - before
    await asyncio.sleep(OUTAGE / 2)
    await endpoint.goes_away()
    endpoint.hangs = False
    await endpoint.comes_back()
    if not refused or not endpoint.unanswered:
        sys.exit("The token was not to be renewed during the outage: the machine is too slow for this.")
    await endpoint.grants("first", granted + 1)


def failed_grants(proxy: Proxy) -> int:
    """How many there were so far."""
    return sum("token.grant_failed" in each for each in proxy.errors)


async def restarts(set_up: Stage) -> Event:
    """As behind systemd, which keeps the socket open."""
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.bind(str(set_up.folder / "notify"))
    with notified, socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listening:
        port = int(listening.getsockname()[1])
        file = set_up.written("activated", listen=f"127.0.0.1:{port}")

        async def started(stack: AsyncExitStack) -> None:
            proxy = Activated(file, listening, set_up.folder / "notify")
            proxy.before = (*Pinned.before, *proxy.before)
            await (await stack.enter_async_context(proxy)).logs("proxy.started")

        async with AsyncExitStack() as stack:
            await started(stack)
            await first(port, "/orders")

            async def happens() -> None:
                for _ in range(RESTARTS):
                    await stack.aclose()
                    await started(stack)
                    await asyncio.sleep(QUIET)

            return await under_load(set_up, f"{RESTARTS} restarts behind a handed-over socket", port, happens)


async def rolling_restarts(set_up: Stage) -> Event:
    """Another one beside it, then SIGTERM, on one port."""
    port = free_port()
    file = set_up.written("rolling", listen=f"127.0.0.1:{port}", reuse_port=True)
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(Pinned(file))]
        await first(port, "/orders")

        async def happens() -> None:
            for _ in range(RESTARTS):
                running.append(await stack.enter_async_context(Pinned(file)))
                await asyncio.sleep(QUIET / 3)
                await running.pop(0).stop()
                await asyncio.sleep(QUIET / 3)

        return await under_load(set_up, f"{RESTARTS} rolling restarts with reuse_port", port, happens)
