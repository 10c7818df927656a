"""What was written and has not reached the peer: in this process, and in the system's buffers.

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
"Seconds between two checks of what a peer has received."


class PeerProgress:
    """Whether a peer receives what was written to it, even if slowly."""

    __slots__ = ("_since", "left")

    def __init__(self) -> None:
        self.left = 0
        "Bytes that it had not received at the last check."
        self._since = 0.0

    def begin(self, transport: asyncio.Transport, now: float) -> None:
        """Begins to watch."""
        self.left, self._since = unsent(transport), now

    def look(self, transport: asyncio.Transport, now: float, patience: float) -> float:
        """Returns when to check again; a time in the past if it has received nothing for `patience` seconds."""
        left = unsent(transport)
        if left < self.left:
            self.left, self._since = left, now
        return min(self._since + patience, now + LOOK)


def unsent(transport: asyncio.Transport) -> int:
    """Returns the bytes on this side of the connection."""
    connected = transport.get_extra_info("socket")
    return transport.get_write_buffer_size() + (0 if connected is None else queued(connected))


def queued(connected: socket.socket, platform: str = sys.platform) -> int:
    """Returns the bytes that the peer has not confirmed to the system; 0 if the system does not say."""
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
    except (OSError, ValueError):  # a sandbox forbids it, or the socket is closed
        return 0
