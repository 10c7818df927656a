"""What one core costs with this proxy, and with what people would take instead: Envoy, nginx, HAProxy.

All of them on one machine, over TLS 1.3 to the same nginx as upstream, one worker each on the first core; wrk and the
upstream share the second. The figure is time on the CPU, for each message or gigabyte, and its ratio to Envoy's in the
same round: the machine's mood changes, the ratio hardly does. Envoy comes from PyPI (`make bench` installs it), nginx,
HAProxy and wrk from Debian; what is missing is left out with a message.
"""

import os
import shutil
import statistics
import sys
from pathlib import Path

from bench.laboratory import PROXY, Laboratory, laboratory
from bench.load import Figures, Load, measure, wrk
from bench.machine import free_port, lacking, machine
from bench.table import heading, row, say, spread

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "3"))
LOADS = (
    Load("1 KB POST, 1 connection", "/", 1),
    Load("1 KB POST, 16 connections", "/", 16),
    Load("1 KB POST, 64 connections", "/", 64),
    Load("10 MB POST, 4 connections", "/whole", 4, size=10_000_000, gigabytes=0.01),
    Load("1 MB GET, 16 connections", "/large", 16, method="GET", size=0, gigabytes=0.001),
)


def contestants() -> dict[str, list[str]]:
    """The commands that are to be had, each without its configuration file."""
    envoy = next(Path(sys.prefix).glob("lib/python*/site-packages/envoy/_bin/envoy"), None)
    commands = {
        "envoy": [str(envoy), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error", "-c"]
        if envoy
        else [],
        "nginx": ["nginx", "-e", "/dev/null", "-c"],
        "haproxy": ["haproxy", "-db", "-f"],
        "proxy": [*PROXY],
    }
    found = {name: words for name, words in commands.items() if words and shutil.which(words[0])}
    for name in commands.keys() - found.keys():
        say(f"{name} is not installed, and left out.")
    return found


def main() -> None:
    """Measures all that is there, and prints the table."""
    commands = contestants()
    if reason := lacking():
        say(f"No comparison: {reason}")
        return
    with laboratory() as lab:
        say(f"{machine()}; {ROUNDS} rounds of {SECONDS} s\n")
        columns = ("load", "contestant", "CPU", "x envoy (range)", "messages/s", "p50 ms", "p99 ms")
        say(heading(*columns, words=2))
        for load in LOADS:
            rounds = [{name: once(lab, name, words, load) for name, words in commands.items()} for _ in range(ROUNDS)]
            for name in commands:
                say(line(load, name, rounds))


def once(lab: Laboratory, name: str, words: list[str], load: Load) -> Figures:
    """Starts a contestant, warms it up, and loads it."""
    port = free_port()
    with lab.contestant(name, words, port) as process:
        wrk(port, load, 1)
        return measure(process.pid, port, load, SECONDS)


def line(load: Load, name: str, rounds: list[dict[str, Figures]]) -> str:
    """One line of the table: medians, and the ratio round by round."""
    mine = [each[name] for each in rounds]
    cost, rate, p50, p99 = (
        statistics.median(getattr(each, key) for each in mine) for key in ("cost", "rate", "p50", "p99")
    )
    ratio = spread([each[name].cost / each["envoy"].cost for each in rounds]) if "envoy" in rounds[0] else "-"
    unit = "s/GB" if load.gigabytes else "µs"
    return row((load.name, name, f"{cost:.3g} {unit}", ratio, f"{rate:.0f}", f"{p50:.2f}", f"{p99:.2f}"))
