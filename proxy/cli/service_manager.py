"""Tells a service manager about start, reload and stop, as sd_notify(3) describes."""

import socket
import time
from collections.abc import Mapping

from proxy.observe.logger import Logger


class ServiceManager:
    """The service manager that `NOTIFY_SOCKET` names, if any."""

    def __init__(self, environ: Mapping[str, str], log: Logger) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._log = log

    def ready(self) -> None:
        """Reports that the proxy is ready, for the first time or after a reload."""
        self._notify("READY=1")

    def reloading(self) -> None:
        """Reports that a reload begins; `Type=notify-reload` compares the time."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Reports that the proxy stops."""
        self._notify("STOPPING=1")

    def _notify(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            self._log.warning("service_manager.unreachable", reason=error.strerror, said=lines[0])
