"""TCP keepalive: firewalls forget a connection that is silent for some minutes, and an answer may take longer."""

import socket

IDLE, INTERVAL, PROBES = 60, 15, 4
"Seconds of silence, seconds between probes, and how many may be lost: a peer that has gone is known after two minutes."
_IDLE_OPTION: int = getattr(socket, "TCP_KEEPIDLE", 0) or getattr(socket, "TCP_KEEPALIVE", 0)
"The second name is macOS's."


def keep_alive(connected: socket.socket) -> None:
    """Lets the kernel probe the connection; does nothing for a Unix socket."""
    if connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, _IDLE_OPTION, IDLE)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, INTERVAL)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
