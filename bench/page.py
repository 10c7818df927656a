"""What an open page of the console costs the messages: one proxy, loaded without it and with it in turn.

Which of the two comes first changes from round to round: where it did not, the second of two equal runs had a p99
that was 8 % higher.

The page asks for everything as a browser does, then reads its stream of events, which has the newest messages four
times a second. It is usually on another machine, so it reads when the load leaves a core idle; what it does with the
events is the browser's affair.
"""

import json
import os
import secrets
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, IncompleteRead

from bench.laboratory import laboratory
from bench.load import Figures, Load, measure, wrk
from bench.machine import free_port, lacking, machine
from bench.process import rest
from bench.table import heading, held, row, say, spread

ROUNDS = int(os.environ.get("ROUNDS", "12"))
SECONDS = int(os.environ.get("SECONDS", "3"))
LIMIT = 1.2
LOADS = (
    Load("1 KB POST with ids, 1 connection", "/orders/", 1, ids=True),
    Load("1 KB POST with ids, 16 connections", "/orders/", 16, ids=True),
)
ASKED = ("state", "traffic", "clients")


class OpenPage:
    """A page of the console, and what its stream brought."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._fields = port, {"Authorization": f"Bearer {token}"}
        self._stream = HTTPConnection("127.0.0.1", port)
        self.octets = 0

    def ask(self, path: str) -> None:
        connection = HTTPConnection("127.0.0.1", self._port)
        connection.request("GET", f"/console/api/{path}", headers=self._fields)
        json.load(connection.getresponse())
        connection.close()

    def read(self) -> None:
        """Reads the stream until it ends, with the time that nobody else wants."""
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))
        self._stream.request("GET", "/console/api/events", headers=self._fields)
        answer = self._stream.getresponse()
        with suppress(IncompleteRead, ConnectionResetError):  # how the page leaves
            while piece := answer.read1():
                self.octets += len(piece)


@contextmanager
def opened(port: int, token: str) -> Iterator[OpenPage]:
    """A page, while it is open."""
    page = OpenPage(port, token)
    for path in ASKED:
        page.ask(path)
    reader = threading.Thread(target=page.read, daemon=True)
    reader.start()
    yield page
    page._stream.sock.shutdown(2)
    reader.join()


def main() -> None:
    """Measures, and prints the table."""
    if reason := lacking(max(load.connections for load in LOADS)):
        say(f"No page: {reason}")
        return
    say(f"{machine()}; {ROUNDS} rounds of {SECONDS} s without and {SECONDS} s with an open page\n")
    say(
        heading(
            "load",
            "p99 ms",
            "with a page",
            "ratio (range)",
            "limit",
            "CPU µs",
            "with a page",
            "KiB/s of events",
            words=1,
        )
    )
    with laboratory() as lab:
        port, admin, token = free_port(), free_port(), secrets.token_urlsafe()
        (lab.folder / "token").write_text(token)
        settings = {"address": f"127.0.0.1:{admin}", "token_file": str(lab.folder / "token")}
        with lab.proxy(port, admin=settings) as process:
            for load in LOADS:
                wrk(port, load, 2)
                rest(process.pid)
                once = partial(measure, process.pid, port, load, SECONDS)
                page = partial(opened, admin, token)
                report(load, [compared(once, page, page_first=bool(number % 2)) for number in range(ROUNDS)])


def compared(
    once: Callable[[], Figures], page: Callable[[], AbstractContextManager[OpenPage]], *, page_first: bool
) -> tuple[Figures, Figures, int]:
    """Without and with a page, and the bytes of its events."""
    without = None if page_first else once()
    with page() as opened_page:
        watched = once()
    return without or once(), watched, opened_page.octets


def report(load: Load, rounds: list[tuple[Figures, Figures, int]]) -> None:
    """A row of the table."""
    sides = [[each[side] for each in rounds] for side in (0, 1)]
    p99, cost = (
        [statistics.median(getattr(each, name) for each in side) for side in sides] for name in ("p99", "cost")
    )
    ratios = [watched.p99 / without.p99 for without, watched, _ in rounds]
    events = statistics.median(octets for *_, octets in rounds) / SECONDS / 1024
    figures = (f"{cost[0]:.1f}", f"{cost[1]:.1f}", f"{events:.0f}")
    say(row((load.name, f"{p99[0]:.2f}", f"{p99[1]:.2f}", spread(ratios), held(ratios, LIMIT), *figures)))
