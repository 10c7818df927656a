"""What the kernel is told of a connection."""

import socket

from proxy.wire.keepalive import keep_alive


def test_the_kernel_probes_a_silent_connection() -> None:
    """After 60 s, every 15 s, four times."""
    with socket.socket() as found:
        keep_alive(found)
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [found.getsockopt(socket.IPPROTO_TCP, each) for each in options] == [60, 15, 4]


def test_a_unix_socket_needs_no_probes() -> None:
    """Nothing is on its way that could forget it."""
    with socket.socket(socket.AF_UNIX) as found:
        keep_alive(found)
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
