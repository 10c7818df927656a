"""Processes that are measured: started on a core of their own, looked at from outside, ended by SIGTERM."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Process = subprocess.Popen[bytes]
PATIENCE = 60
"Seconds in which a process has to serve, or to come to rest."
REST = 0.05
"Share of a core below which a process counts as resting."


@contextmanager
def running(
    words: list[str], core: str, port: int, *, path: str = "/", tls: bool = False, log: Path = Path(os.devnull)
) -> Iterator[Process]:
    """A command on its core, from its first answer; `log` takes what it says."""
    with log.open("wb") as said:
        pinned = ["taskset", "-c", core, *words]
        process = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + PATIENCE
        while not serves(port, path, tls=tls):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"does not serve: {' '.join(words)}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def serves(port: int, path: str, *, tls: bool) -> bool:
    """In the clear it has to deliver: Envoy answers before it has its token."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            if tls:
                return True
            request = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            return connection.recv(16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def on_cpu(pid: int) -> float:
    """Seconds on the CPU of a process and its children, all threads."""
    spent = sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    children = (each.read_text().split() for each in Path(f"/proc/{pid}/task").glob("*/children"))
    return spent + sum(on_cpu(int(child)) for found in children for child in found)


def resident(pid: int) -> float:
    """KiB of memory of this process that are there now."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return float(found[1]) if found else 0.0


def rest(pid: int) -> None:
    """Waits until the process has hardly anything to do."""
    deadline, spent = time.monotonic() + PATIENCE, on_cpu(pid)
    while time.monotonic() < deadline:
        time.sleep(0.2)
        before, spent = spent, on_cpu(pid)
        if spent - before < 0.2 * REST:
            return
    sys.exit("The proxy does not come to rest.")
