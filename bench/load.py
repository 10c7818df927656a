"""Messages: what wrk sends, and what that cost."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from bench.process import on_cpu

SCRIPT = Path(__file__).parent / "contestants" / "load.lua"


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of load: what wrk sends, over how many connections, and in what the cost is counted."""

    name: str
    path: str
    connections: int
    method: str = "POST"
    size: int = 1024
    "Octets of the body."
    gigabytes: float = 0.0
    "That each message counts for; 0 where messages are counted."
    routes: int = 0
    "Numbers from 0 that stand behind the path in turn; 0 for none."
    ids: bool = False
    "Whether each message has an X-Request-ID of its own."


@dataclass(frozen=True, slots=True)
class Figures:
    """What one measurement gave."""

    cost: float
    "µs of CPU for a message, or s for a gigabyte."
    rate: float
    "Messages a second."
    p50: float
    p99: float
    "Milliseconds."


def measure(pid: int, port: int, load: Load, seconds: int) -> Figures:
    """Loads a process that has been warmed up."""
    before = on_cpu(pid)
    report = wrk(port, load, seconds)
    spent = on_cpu(pid) - before
    if report["errors"]:
        sys.exit(f"{report['errors']:.0f} errors in {load.name}")
    amount = report["messages"] * (load.gigabytes or 1e-6)
    return Figures(spent / amount, report["messages"] / report["seconds"], report["p50"], report["p99"])


def wrk(port: int, load: Load, seconds: int) -> dict[str, float]:
    """One run of wrk; what its script reports."""
    with TemporaryDirectory(prefix="cpi-bench-") as folder:
        script = Path(folder, SCRIPT.name)
        values = {"method": load.method, "size": load.size, "path": load.path, "routes": load.routes}
        values |= {"ids": str(load.ids).lower()}
        script.write_text(Template(SCRIPT.read_text()).substitute(values))
        url = f"http://127.0.0.1:{port}{load.path}"
        words = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script), url]
        found = re.search(r"JSON (.*)", subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    if found is None:
        sys.exit("wrk has said nothing")
    report: dict[str, float] = json.loads(found[1])
    return report
