"""Notifications for the service manager."""

import socket
import time
from pathlib import Path

from proxy.cli.service_manager import ServiceManager
from proxy.observe.process_log import ProcessLog
from tests.cases import cases
from tests.fakes.log import LogLines


def manager_at(address: str) -> tuple[ServiceManager, LogLines]:
    """The service manager at an address, and the log."""
    lines = LogLines()
    return ServiceManager({"NOTIFY_SOCKET": address}, ProcessLog(lines, level="debug", human=False).logger), lines


@cases("abstract", False, True)
async def test_each_notification_is_one_datagram(tmp_path: Path, *, abstract: bool) -> None:
    """As sd_notify(3) says, at a path or an abstract address."""
    address = f"@{tmp_path}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{tmp_path}" if abstract else address)
        manager, _ = manager_at(address)
        before = time.monotonic_ns() // 1000
        manager.ready()
        manager.reloading()
        manager.stopping()
        received = [listening.recv(100).decode().split("\n") for _ in range(3)]
    assert [each[0] for each in received] == ["READY=1", "RELOADING=1", "STOPPING=1"]
    name, _, when = received[1][1].partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(when) <= time.monotonic_ns() // 1000


async def test_without_an_address_nothing_is_sent() -> None:
    """Nothing is logged either."""
    manager, lines = manager_at("")
    manager.ready()
    assert lines.text == []


async def test_an_unreachable_service_manager_is_logged(tmp_path: Path) -> None:
    """A warning has the reason and the notification; nothing is raised."""
    manager, lines = manager_at(str(tmp_path / "nobody"))
    manager.ready()
    (line,) = lines.named("service_manager.unreachable")
    assert line["said"] == "READY=1"
    assert line["reason"] == "No such file or directory"
