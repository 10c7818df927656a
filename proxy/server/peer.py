"""The other end of a connection, and how to reset it."""

import asyncio
import socket
import struct
from typing import NamedTuple

_AT_ONCE = struct.pack("ii", 1, 0)
"SO_LINGER: on, for no seconds."


class Peer(NamedTuple):
    """Addresses as text; empty for a Unix socket, and for a connection that is reset already."""

    address: str
    local: str
    "The address that it connected to."
    over_ip: bool


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    """Returns what the socket knows."""
    there, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    return Peer(
        str(there[0]) if isinstance(there, tuple) else "",
        str(here[0]) if isinstance(here, tuple) else "",
        over_ip(transport),
    )


def over_ip(transport: asyncio.BaseTransport) -> bool:
    """Whether it is TCP, which tells a reset from a regular end."""
    connected = transport.get_extra_info("socket")
    return connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6)


def reset(transport: asyncio.Transport) -> None:
    """Ends the connection, with RST if it is TCP; drops what was not sent."""
    if over_ip(transport):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
