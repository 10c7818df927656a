"""What was written and has not reached the other side: what waits in this process, and what the system still holds.

A peer that reads slowly empties the system's buffer, which may hold some megabytes, long before anything changes here.
"""

import asyncio
import socket
import struct
import sys

_INTEGER = struct.Struct("i")
_SO_NWRITE = 0x1024
"macOS: sys/socket.h."


LOOK = 5.0
"Seconds between two looks at what a peer has taken."


class PeerProgress:
    """Whether a peer takes what was written to it, be it slowly."""

    __slots__ = ("_since", "left")

    def __init__(self) -> None:
        self.left = 0
        "Octets that it had not taken when it was last looked at."
        self._since = 0.0

    def begin(self, transport: asyncio.Transport, now: float) -> None:
        """From now on it has something to take."""
        self.left, self._since = unsent(transport), now

    def look(self, transport: asyncio.Transport, now: float, patience: float) -> float:
        """When to look again; that is past if it has taken nothing for `patience` seconds."""
        left = unsent(transport)
        if left < self.left:
            self.left, self._since = left, now
        return min(self._since + patience, now + LOOK)


def unsent(transport: asyncio.Transport) -> int:
    """Octets on this side of the connection."""
    connected = transport.get_extra_info("socket")
    return transport.get_write_buffer_size() + (0 if connected is None else queued(connected))


def queued(connected: socket.socket, platform: str = sys.platform) -> int:
    """Octets that the system has and the peer has not confirmed; 0 where that cannot be asked."""
    try:
        match platform:
            case "linux":
                import fcntl  # noqa: PLC0415 - not everywhere
                import termios  # noqa: PLC0415

                # SIOCOUTQ of tcp(7) and unix(7) by its other name
                octets = fcntl.ioctl(connected.fileno(), termios.TIOCOUTQ, bytes(_INTEGER.size))
                return int(_INTEGER.unpack(octets)[0])
            case "darwin":
                return connected.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
            case _:
                return 0
    except (OSError, ValueError):  # a sandbox that does not let it through, or a socket that is closed
        return 0
