"""What size costs: CPU for an exchange with many routes, OAuth clients, connections and a long token, by one of each.

A proxy of the plain kind runs throughout; beside it, one after the other, those that have more of something. Each pair
is measured in turn, seconds apart, and each round gives one ratio. The first row is another proxy of the plain kind:
what it differs from 1 is noise. All tokens are granted before the measurement; if one is granted within, it is void.
"""

import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from bench.crowd import crowd
from bench.laboratory import USUAL_TOKEN, Laboratory, laboratory
from bench.load import Figures, Load, measure, wrk
from bench.machine import free_port, lacking, machine
from bench.process import Process, rest
from bench.table import heading, held, row, say, spread

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "3"))
MANY, CROWD, LONG_TOKEN = 1000, 5000, 4096
"Routes or OAuth clients, idle connections, octets."
CONNECTIONS = 16
LIMIT = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of each there is; `used` routes take the messages in turn."""

    name: str
    routes: int = 1
    used: int = 1
    clients: int = 1
    idle: int = 0
    token: int = USUAL_TOKEN
    ids: bool = False
    "Whether no head comes twice."

    @property
    def load(self) -> Load:
        return Load(self.name, "/orders/", CONNECTIONS, routes=self.used, ids=self.ids)


PLAIN = Size(name="one of each")
SIZES = (
    Size(name="one of each, once more"),
    Size(name="1,000 routes, messages on one", routes=MANY),
    Size(name="1,000 routes, messages on all", routes=MANY, used=MANY),
    Size(name="1,000 OAuth clients, one used", clients=MANY),
    Size(name="1,000 OAuth clients on 1,000 routes, all used", routes=MANY, used=MANY, clients=MANY),
    Size(name="5,000 idle connections", idle=CROWD),
    Size(name="token of 4 KB", token=LONG_TOKEN),
    Size(name="an X-Request-ID of its own in each message", ids=True),
    Size(name="all of it, messages on one route", routes=MANY, clients=MANY, idle=CROWD, token=LONG_TOKEN),
    Size(name="all of it, messages on all routes", routes=MANY, used=MANY, clients=MANY, idle=CROWD, token=LONG_TOKEN),
)


def main() -> None:
    """Measures each size beside the plain one, and prints the table."""
    if reason := lacking(CROWD + CONNECTIONS):
        say(f"No scale: {reason}")
        return
    say(f"{machine()}; {ROUNDS} rounds of {SECONDS} s; 1 KB POST, {CONNECTIONS} connections\n")
    say(heading("size", "CPU", "x one of each (range)", "limit", words=1))
    with laboratory() as lab, sized(lab, PLAIN) as plain:
        for size in SIZES:
            with sized(lab, size) as other:
                pairs = [(once(lab, *plain), once(lab, *other)) for _ in range(ROUNDS)]
            say(line(size, pairs))


@contextmanager
def sized(lab: Laboratory, size: Size) -> Iterator[tuple[Process, int, Load]]:
    """With its crowd and all its tokens; its port, and its load."""
    port = free_port()
    with lab.proxy(port, routes=size.routes, clients=size.clients, token_size=size.token) as process:
        while wrk(port, size.load, 1)["messages"] < 2 * size.used:
            pass
        with crowd(port, "/orders/0", idle=size.idle) if size.idle else nullcontext():
            rest(process.pid)
            yield process, port, size.load


def once(lab: Laboratory, process: Process, port: int, load: Load) -> Figures:
    """One measurement."""
    grants = lab.grants
    figures = measure(process.pid, port, load, SECONDS)
    if lab.grants != grants:
        sys.exit(f"{lab.grants - grants} grants while {load.name} was measured")
    return figures


def line(size: Size, pairs: list[tuple[Figures, Figures]]) -> str:
    """One row of the table."""
    ratios = [other.cost / plain.cost for plain, other in pairs]
    cost = statistics.median(other.cost for _, other in pairs)
    return row((size.name, f"{cost:.1f} µs", spread(ratios), "-" if size.ids else held(ratios, LIMIT)))
