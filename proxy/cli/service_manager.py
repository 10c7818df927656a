"""What a service manager is told of the proxy's life: the datagrams of sd_notify(3)."""

import socket
import time
from collections.abc import Mapping

from proxy.observe.logger import Logger


class ServiceManager:
    """The one that `NOTIFY_SOCKET` names, or nobody."""

    def __init__(self, environ: Mapping[str, str], log: Logger) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._log = log

    def ready(self) -> None:
        """It serves, for the first time or after a reload."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """It reads its configuration again; the time is what `Type=notify-reload` compares."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """It takes no more."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            self._log.warning("service_manager.unreachable", reason=error.strerror, said=lines[0])
