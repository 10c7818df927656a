"""What one core costs with this proxy, and with what people would take instead: Envoy, nginx, HAProxy.

All of them on one machine, over TLS 1.3 to the same nginx as upstream, one worker each on the first core; wrk and the
upstream share the second. The figure is time on the CPU, for each message or gigabyte, and its ratio to Envoy's in the
same round: the machine's mood changes, the ratio hardly does. Envoy comes from PyPI (`make bench` installs it), nginx,
HAProxy and wrk from Debian; what is missing is left out with a message.
"""

import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

import click
import trustme

CONTESTANTS = Path(__file__).parent / "contestants"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "3"))
TOKEN = "bench." * 230
HEADING = "| load | contestant | CPU | x envoy (range) | messages/s | p50 ms | p99 ms |\n|---|---" + "|---:" * 5 + "|"
ANSWER = json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 86400}).encode()


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


LOADS = (
    Load("1 KB POST, 1 connection", "/", 1),
    Load("1 KB POST, 16 connections", "/", 16),
    Load("1 KB POST, 64 connections", "/", 64),
    Load("10 MB POST, 4 connections", "/whole", 4, size=10_000_000, gigabytes=0.01),
    Load("1 MB GET, 16 connections", "/large", 16, method="GET", size=0, gigabytes=0.001),
)


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


def contestants() -> dict[str, list[str]]:
    """The commands that are to be had, each without its configuration file."""
    envoy = next(Path(sys.prefix).glob("lib/python*/site-packages/envoy/_bin/envoy"), None)
    commands = {
        "envoy": [str(envoy), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error", "-c"]
        if envoy
        else [],
        "nginx": ["nginx", "-e", "/dev/null", "-c"],
        "haproxy": ["haproxy", "-db", "-f"],
        "proxy": [sys.executable, "-m", "proxy", "run", "-c"],
    }
    found = {name: words for name, words in commands.items() if words and shutil.which(words[0])}
    for name in commands.keys() - found.keys():
        click.echo(f"{name} is not installed, and left out.")
    return found


def main() -> None:
    """Measures all that is there, and prints the table."""
    commands = contestants()
    if missing := [name for name in ("nginx", "wrk") if not shutil.which(name)]:
        click.echo(f"No comparison: the load needs {' and '.join(missing)} (apt-get install nginx wrk).")
        return
    if len(os.sched_getaffinity(0)) < 2:
        click.echo("No comparison: it takes two cores.")
        return
    with laboratory() as lab:
        click.echo(
            f"{platform.platform()}, {cpu()}, CPython {platform.python_version()}; {ROUNDS} rounds of {SECONDS} s\n"
        )
        click.echo(HEADING)
        for load in LOADS:
            rounds = [{name: lab.measure(name, words, load) for name, words in commands.items()} for _ in range(ROUNDS)]
            for name in commands:
                click.echo(row(load, name, rounds))


def row(load: Load, name: str, rounds: list[dict[str, Figures]]) -> str:
    """One line of the table: medians, and the ratio round by round."""
    mine = [each[name] for each in rounds]
    cost, rate, p50, p99 = (
        statistics.median(getattr(each, key) for each in mine) for key in ("cost", "rate", "p50", "p99")
    )
    ratios = sorted(each[name].cost / each["envoy"].cost for each in rounds) if "envoy" in rounds[0] else []
    ratio = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})" if ratios else "-"
    unit = "s/GB" if load.gigabytes else "µs"
    return f"| {load.name} | {name} | {cost:.3g} {unit} | {ratio} | {rate:.0f} | {p50:.2f} | {p99:.2f} |"


class Laboratory:
    """The upstream and the token endpoint while they run."""

    def __init__(self, folder: Path, upstream: int, token_port: int) -> None:
        self._values = {"folder": str(folder), "upstream": str(upstream), "token_port": str(token_port), "token": TOKEN}
        self._folder = folder

    def measure(self, name: str, words: list[str], load: Load) -> Figures:
        """Starts a contestant, warms it up, and loads it."""
        template = next(CONTESTANTS.glob(f"{name}.*"))
        port = free_port()
        file = configure(template, **self._values, port=str(port))
        with running([*words, file], "0", port) as process:
            wrk(self._folder, port, load, 1)
            before = on_cpu(process.pid)
            report = wrk(self._folder, port, load, SECONDS)
            spent = on_cpu(process.pid) - before
        if report["errors"]:
            sys.exit(f"{name}: {report['errors']:.0f} errors in {load.name}")
        amount = report["messages"] * (load.gigabytes or 1e-6)
        return Figures(spent / amount, report["messages"] / report["seconds"], report["p50"], report["p99"])


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """Certificates, an upstream on the second core, a token endpoint in this process."""
    os.sched_setaffinity(0, {1})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cpi-bench-")))
        folder.chmod(0o755)
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")  # nginx knows no addresses in certificates
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issued.private_key_pem.write_to_path(folder / "server.key")
        (folder / "server.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        (folder / "large").write_bytes(os.urandom(1_000_000))
        endpoint = ThreadingHTTPServer(("127.0.0.1", 0), Granting)
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        stack.callback(endpoint.shutdown)
        upstream = free_port()
        file = configure(CONTESTANTS / "upstream.conf", folder=str(folder), port=str(upstream))
        stack.enter_context(running(["nginx", "-e", "/dev/null", "-c", file], "1", upstream, tls=True))
        yield Laboratory(folder, upstream, endpoint.server_port)


class Granting(BaseHTTPRequestHandler):
    """Grants a token to whoever asks."""

    def do_POST(self) -> None:
        """RFC 6749 §5.1."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Nothing."""


@contextmanager
def running(words: list[str], core: str, port: int, *, tls: bool = False) -> Iterator["subprocess.Popen[bytes]"]:
    """A command on its core, from its first answer to its end by SIGTERM."""
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(["taskset", "-c", core, *words], stdin=nowhere, stdout=nowhere, stderr=nowhere)
    try:
        deadline = time.monotonic() + 20
        while not serves(port, tls=tls):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"does not serve: {' '.join(words)}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def serves(port: int, *, tls: bool) -> bool:
    """Whether it takes connections, and, in the clear, delivers: Envoy answers before it has its token."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            if tls:
                return True
            connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return connection.recv(16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def configure(template: Path, **values: str) -> str:
    """Fills a template into `folder`; what is no value of ours, such as nginx's own variables, stays."""
    file = Path(values["folder"], f"{values['port']}-{template.name}")
    file.write_text(Template(template.read_text()).safe_substitute(values))
    return str(file)


def wrk(folder: Path, port: int, load: Load, seconds: int) -> dict[str, float]:
    """One run of wrk; what its script reports."""
    script = configure(
        CONTESTANTS / "load.lua", folder=str(folder), port=str(port), method=load.method, size=str(load.size)
    )
    url = f"http://127.0.0.1:{port}{load.path}"
    words = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "20s", "-s", script, url]
    found = re.search(r"JSON (.*)", subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    if found is None:
        sys.exit("wrk has said nothing")
    report: dict[str, float] = json.loads(found[1])
    return report


def on_cpu(pid: int) -> float:
    """Seconds on the CPU of a process and its children, all threads."""
    spent = sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    children = (each.read_text().split() for each in Path(f"/proc/{pid}/task").glob("*/children"))
    return spent + sum(on_cpu(int(child)) for found in children for child in found)


def cpu() -> str:
    """What the processor calls itself."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} x {found[1] if found else platform.machine()}"


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
