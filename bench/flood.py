"""What senders that stand around cost the others: 5,000 idle connections and 500 heads that never end.

One proxy, loaded without the flood and with it in turn; a round's ratio is that of two measurements seconds apart. The
time for a head is a third of the default, so that slow heads are timed out, and come again, three times as often as
they would. Successful exchanges are not logged: what is in the log, the flood has brought about.
"""

import os
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import crowd
from bench.laboratory import Laboratory, laboratory
from bench.load import Figures, Load, measure, wrk
from bench.machine import free_port, lacking, machine
from bench.process import Process, resident, rest
from bench.table import heading, held, row, say, spread

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "10"))
IDLE, SLOW, TRICKLE, HEAD_TIMEOUT = 5000, 500, 1.0, 5
"Connections, heads, seconds between two octets of a head, seconds for a head."
LIMIT = 2.0
LOAD = Load("1 KB POST, 16 connections", "/orders/0", 16)
TIMED_OUT = "slow 408"


@dataclass(frozen=True, slots=True)
class Round:
    """Two measurements, and what the flood left behind."""

    without: Figures
    flooded: Figures
    timed_out: int
    "Slow heads that were answered with 408."
    ended: dict[str, int]
    "All that the proxy ended of the crowd, by kind."
    lines: int
    "Of the log, that the flood brought about."

    def ratio(self, figure: str) -> float:
        """With the flood by without."""
        return float(getattr(self.flooded, figure) / getattr(self.without, figure))


def main() -> None:
    """Measures, and prints the tables."""
    if reason := lacking(IDLE + SLOW + LOAD.connections):
        say(f"No flood: {reason}")
        return
    say(f"{machine()}; {ROUNDS} rounds of {SECONDS} s without and {SECONDS} s with the flood\n")
    with laboratory() as lab:
        with proxy(lab) as (process, port):
            each = idle_memory(process, port)
        with proxy(lab) as (process, port):
            rounds = [once(process, port, lab.log(port)) for _ in range(ROUNDS)]
    report(rounds, each)


@contextmanager
def proxy(lab: Laboratory) -> Iterator[tuple[Process, int]]:
    """A proxy that has been loaded before, and its port."""
    port = free_port()
    with lab.proxy(port, limits={"head_timeout": HEAD_TIMEOUT}, log={"sample": 0}) as process:
        wrk(port, LOAD, 2)
        rest(process.pid)
        yield process, port


def idle_memory(process: Process, port: int) -> float:
    """KiB that an idle sender's connection takes."""
    before = resident(process.pid)
    with crowd(port, LOAD.path, idle=IDLE):
        rest(process.pid)
        return (resident(process.pid) - before) / IDLE


def once(process: Process, port: int, log: Path) -> Round:
    """Without, then with the flood."""
    without, before = measure(process.pid, port, LOAD, SECONDS), lines(log)
    with crowd(port, LOAD.path, idle=IDLE, slow=SLOW, trickle=TRICKLE, over=HEAD_TIMEOUT) as standing:
        flooded = measure(process.pid, port, LOAD, SECONDS)
    rest(process.pid)
    return Round(without, flooded, standing.ended.get(TIMED_OUT, 0), standing.ended, lines(log) - before)


def lines(log: Path) -> int:
    """Without those of the messages that wrk cut off at its end."""
    with log.open("rb") as file:
        return sum(b'"sender_left"' not in line for line in file)


def report(rounds: list[Round], each: float) -> None:
    """The ratios, then what the flood left behind."""
    say(heading("1 KB POST, 16 connections", "without", "with the flood", "ratio (range)", "limit", words=1))
    for figure, name, limit in (("p50", "p50 ms", LIMIT), ("p99", "p99 ms", LIMIT), ("cost", "CPU, µs a message", 0)):
        without, flooded = (
            statistics.median(getattr(side, figure) for side in sides)
            for sides in ([each.without for each in rounds], [each.flooded for each in rounds])
        )
        ratios = [each.ratio(figure) for each in rounds]
        verdict = held(ratios, limit) if limit else "-"
        say(row((name, f"{without:.2f}", f"{flooded:.2f}", spread(ratios), verdict)))
    timed_out, logged = sum(each.timed_out for each in rounds), sum(each.lines for each in rounds)
    say(f"\nAn idle sender's connection: {each:.1f} KiB.")
    say(f"Slow heads timed out: {timed_out}; lines in the log: {logged}, {logged / max(1, timed_out):.2f} for each.")
    ended = sum((Counter(each.ended) for each in rounds), Counter[str]())
    say(f"Connections of the crowd that the proxy ended: {dict(ended)}.")
