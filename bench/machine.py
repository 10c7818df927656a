"""The machine that is measured on: what it is, and what it has to have."""

import os
import platform
import re
import resource
import shutil
import socket
from pathlib import Path

RESERVE = 256
"Descriptors beside those of connections."


def machine() -> str:
    """One line for the head of a table."""
    return f"{platform.platform()}, {cpu()}, CPython {platform.python_version()}"


def cpu() -> str:
    """What the processor calls itself."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} x {found[1] if found else platform.machine()}"


def lacking(connections: int = 0) -> str:
    """A sentence if something is missing for so many connections."""
    if missing := [name for name in ("nginx", "wrk") if not shutil.which(name)]:
        return f"The load needs {' and '.join(missing)} (apt-get install nginx wrk)."
    return lacking_cores() or lacking_descriptors(connections)


def lacking_cores() -> str:
    """A sentence where the load would share the core of what it loads."""
    return "" if len(os.sched_getaffinity(0)) > 1 else "It takes two cores."


def lacking_descriptors(connections: int) -> str:
    """Raises the limit as far as it may; a sentence where that is not far enough.

    The proxy wants two descriptors for each connection: one of them for that to the upstream.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * connections + RESERVE
    if hard != resource.RLIM_INFINITY and hard < needed:
        return f"{connections} connections need {needed} descriptors, the hard limit is {hard} (ulimit -Hn {needed})."
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return ""


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
