"""Ways to end a connection without an answer."""

import socket
import struct

from aiohttp import web


def hang_up(request: web.BaseRequest) -> web.Response:
    """Close the connection in good order; the response is for aiohttp, and reaches nobody."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def reset(request: web.BaseRequest) -> web.Response:
    """Break the connection with a TCP reset."""
    if request.transport is not None:
        # With a linger time of zero the kernel sends RST in place of FIN.
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()
