"""Forks commands: `python -m tests.system.fork_server FD`. A fork has what a new process imports for a second.

FD is a socket. Each byte on it comes with five descriptors: a file with the request, the three standard streams, and a
socket for the answer: a line with the process id, then one with the exit status. The server ends with the socket.
"""

import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import Any

from proxy.cli.group import COMMANDS

LATER = ("psycopg", "psycopg_pool", "uvloop")
"What commands import when they need it."


@dataclass
class ForkServer:
    """The forks that run, with the sockets for their exit statuses."""

    control: socket.socket
    woken: socket.socket
    waking: socket.socket
    answers: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> list[int] | None:
        """Serve until `control` ends, and return None; in each fork, return the descriptors that came."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self.woken in ready:
                    self.woken.recv(4096)
                    self.reap()
                if self.control in ready:
                    byte, descriptors, _, _ = socket.recv_fds(self.control, 1, 5)
                    if not byte:
                        return None
                    if not self.fork(descriptors):
                        return descriptors

    def fork(self, descriptors: list[int]) -> int:
        """Fork, and tell the process id; 0 in the fork."""
        if pid := os.fork():
            for descriptor in descriptors[:-1]:
                os.close(descriptor)
            self.answers[pid] = socket.socket(fileno=descriptors[-1])
            self.answers[pid].sendall(b"%d\n" % pid)
        else:
            for each in (self.control, self.woken, self.waking, *self.answers.values()):
                each.close()
        return pid

    def reap(self) -> None:
        """Tell the exit status of each fork that has ended."""
        while self.answers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self.answers.pop(pid) as answer:
                answer.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def become(descriptors: list[int]) -> dict[str, Any]:
    """Become the process that is asked for: its streams, folder, variables, and the signals of a new process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with os.fdopen(descriptors[0]) as file:
        request: dict[str, Any] = json.load(file)
    for number, descriptor in enumerate(descriptors[1:4]):
        os.dup2(descriptor, number)
    for descriptor in descriptors[1:]:
        os.close(descriptor)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    os.setsid()  # else the terminal of the tests would be asked for passwords
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])
    if "COVERAGE_PROCESS_CONFIG" in os.environ:
        importlib.import_module("coverage").process_startup()
    return request


def main() -> None:
    """Import everything, and serve; in a fork, run its program."""
    for name in (*(f"proxy.cli.{each.replace('-', '_')}" for each in COMMANDS), *LATER):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    woken, waking = socket.socketpair()
    for each in (woken, waking):
        each.setblocking(False)
    signal.set_wakeup_fd(waking.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    descriptors = ForkServer(socket.socket(fileno=int(sys.argv[1])), woken, waking).serve()
    if descriptors is None:
        return
    request = become(descriptors)
    sys.argv = ["-c", *request["words"]]
    if request["code"] is None:
        runpy.run_module("proxy", run_name="__main__", alter_sys=True)
    else:
        exec(request["code"], {"__name__": "__main__"})


if __name__ == "__main__":
    main()
