"""Replicas that share a PostgreSQL database: grants, messages a second, outboxes, and what a fresh token costs."""

import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from bench.table import heading, row, say
from proxy.clock import SystemClock
from proxy.config.load import load
from proxy.oauth.granter import GrantProgress
from proxy.oauth.shared_granter import SharedGranter
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Moment, Token, lasting
from tests.fakes.clock import HandClock
from tests.fakes.postgres import PostgresServer, postgres
from tests.fakes.sender import Sender, request
from tests.fakes.token_store import MemoryTokenStore, keys
from tests.fakes.voiding_tenant import VoidingTenant
from tests.programs import missing
from tests.system.command import Proxy, document
from tests.unit.oauth.world import Lines

COUNTS = (1, 2, 4)
SENDERS = 16
SECONDS = float(os.environ.get("SECONDS", "5"))
READINGS = 1_000_000


def main() -> None:
    """Prints all tables; ends with 1 if replicas make more than one grant."""
    if any(missing(["postgresql"])):
        say("PostgreSQL is missing: apt-get install postgresql")
        return
    say(heading("replicas", "grants", "messages/s", words=0))
    with postgres() as server:
        measured = [asyncio.run(measure(server, count)) for count in COUNTS]
        say(f"\n{heading('replicas with an outbox', 'accepted/s', 'delivered/s', words=0)}")
        for count in COUNTS:
            asyncio.run(measure_outbox(server, count))
    say(f"\n{heading('granter', 'ns for a fresh token', words=1)}")
    for name, share in (("alone", False), ("shared", True)):
        say(row((name, f"{asyncio.run(reading(share=share)):.0f}")))
    if any(grants != 1 for grants in measured):
        sys.exit("Replicas made more than one grant.")


async def measure(server: PostgresServer, count: int) -> int:
    """Has so many replicas serve for a while; returns the grants."""
    async with AsyncExitStack() as stack:
        void = await stack.enter_async_context(VoidingTenant())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = configuration(folder, void, server, await asyncio.to_thread(server.create_database, f"bench_{count}"))
        replicas = [await stack.enter_async_context(Proxy(file)) for _ in range(count)]
        end = time.monotonic() + SECONDS
        served = await asyncio.gather(*(send(replicas[each % count].port, end) for each in range(SENDERS)))
        say(row((f"{count}", f"{void.grants}", f"{sum(served) / SECONDS:.0f}")))
        return void.grants


async def measure_outbox(server: PostgresServer, count: int) -> None:
    """Has so many replicas accept for a while, and deliver meanwhile and after it."""
    async with AsyncExitStack() as stack:
        void = await stack.enter_async_context(VoidingTenant())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = await asyncio.to_thread(server.create_database, f"bench_outbox_{count}")
        file = configuration(folder, void, server, database, outbox={"concurrency": 16})
        replicas = [await stack.enter_async_context(Proxy(file)) for _ in range(count)]
        began = time.monotonic()
        told = await asyncio.gather(
            *(send(replicas[each % count].port, began + SECONDS, status=202) for each in range(4 * SENDERS))
        )
        while void.arrived.total() < sum(told):  # noqa: ASYNC110 - the tenant tells nobody
            await asyncio.sleep(0.01)
        delivered = void.arrived.total() / (time.monotonic() - began)
        say(row((f"{count}", f"{sum(told) / SECONDS:.0f}", f"{delivered:.0f}")))


def configuration(folder: Path, void: VoidingTenant, server: PostgresServer, database: str, **route: object) -> Path:
    """The file of all replicas."""
    (folder / "keys").write_bytes(base64.b64encode(os.urandom(32)))
    store = {"postgres": server.url(database), "password_file": str(server.password_file), "keys_file": "keys"}
    url = f"{void.url}/oauth2/api/v1/token"  # that of a client on Neo
    options = document(f"{void.url}/http/orders", url, route=route, store=store, log={"sample": 0})
    (folder / "proxy.yaml").write_text(json.dumps(options))
    return folder / "proxy.yaml"


async def send(port: int, end: float, status: int = 200) -> int:
    """One sender's messages, one after the other; how many were served."""
    sender, served = await Sender.connect(port), 0
    while time.monotonic() < end:
        served += (await sender.ask(request(b"POST /orders", body=b"<order/>"))).status == status
    sender.leave()
    return served


class Granting:
    """Grants at once."""

    async def grant(self, refused: Token | None, progress: GrantProgress) -> Token:
        """A token for an hour."""
        del refused, progress
        now = Moment.now(SystemClock())
        return lasting(3600, b"Bearer t", asked=now, expiry_buffer=300, jitter=0, scopes=())


async def reading(*, share: bool) -> float:
    """Nanoseconds for a fresh token."""
    path = Path(__file__).parents[1] / "config/minimal.yaml"
    (client,) = load(path, {"CPI_CLIENT_SECRET": "s"}).oauth_clients.values()
    granting = Granting()
    store = MemoryTokenStore(HandClock())
    shared = SharedGranter(client, granting, store, keys=keys, rejected=print, clock=SystemClock())
    source = TokenSource(client, shared if share else granting, clock=SystemClock(), log=Lines())
    await source.token()
    asked = store.calls.total()
    spent = timed(source.ready)
    if store.calls.total() != asked:
        sys.exit("A fresh token asked the store.")
    await source.close()
    return spent


def timed(ready: Callable[[], object]) -> float:
    """Nanoseconds of one call."""
    began = time.perf_counter_ns()
    for _ in range(READINGS):
        ready()
    return (time.perf_counter_ns() - began) / READINGS
