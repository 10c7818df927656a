"""Sends answers of any size, and ends connections without an answer."""

import socket
import struct
from collections.abc import AsyncIterator
from typing import assert_never

from aiohttp import hdrs, web
from multidict import CIMultiDict

from proxy.sandbox.answers import SandboxAnswer, response
from proxy.sandbox.body import START, ReceivedBody
from proxy.sandbox.flows import Echoed, Filler, Reply, filler


async def respond(
    request: web.BaseRequest,
    reply: Reply,
    body: ReceivedBody,
    *,
    status: int,
    fields: tuple[tuple[str, str], ...],
    cut: bool,
) -> web.StreamResponse:
    """Sends what a flow replied; with `cut` only half of it, and then closes the connection."""
    fields = (("Content-Type", reply.content_type), *fields)
    if cut:
        return await _respond_half(request, reply, body, status=status, fields=fields)
    size = reply_size(reply, body)
    if size <= START:
        content = b"".join([chunk async for chunk in reply_chunks(reply, body)])
        return await send(request, response(SandboxAnswer(status=status, reason="", fields=fields, body=content)))
    stream = _head(status, fields, size)
    try:
        await stream.prepare(request)
        if request.method != hdrs.METH_HEAD:
            async for chunk in reply_chunks(reply, body):
                await stream.write(chunk)
        await stream.write_eof()
    except ConnectionError:
        stream.force_close()
    return stream


def reply_size(reply: Reply, body: ReceivedBody) -> int:
    """Returns the Content-Length of the answer."""
    match reply.body:
        case Echoed():
            return body.size
        case Filler(size=size):
            return size
        case bytes() as content:
            return len(content)
        case other:
            assert_never(other)


async def reply_chunks(reply: Reply, body: ReceivedBody) -> AsyncIterator[bytes]:
    """Yields the answer's body in pieces."""
    match reply.body:
        case Echoed():
            async for chunk in body.chunks():
                yield chunk
        case Filler(size=size):
            for chunk in filler(size):
                yield chunk
        case bytes() as content:
            yield content
        case other:
            assert_never(other)


async def _respond_half(
    request: web.BaseRequest, reply: Reply, body: ReceivedBody, *, status: int, fields: tuple[tuple[str, str], ...]
) -> web.StreamResponse:
    size = reply_size(reply, body)
    left = size // 2
    stream = _head(status, fields, max(size, 1))
    await stream.prepare(request)
    async for chunk in reply_chunks(reply, body):
        await stream.write(chunk[:left])
        left -= len(chunk[:left])
    hang_up(request)
    return stream


def _head(status: int, fields: tuple[tuple[str, str], ...], size: int) -> web.StreamResponse:
    stream = web.StreamResponse(status=status, reason="", headers=CIMultiDict((*fields, ("Server", "SAP"))))
    stream.content_length = size
    return stream


async def send(request: web.BaseRequest, answer: web.StreamResponse) -> web.StreamResponse:
    """Sends a complete answer; if the client has closed the connection, this is not an error."""
    try:
        await answer.prepare(request)
        await answer.write_eof()
    except ConnectionError:
        answer.force_close()
    return answer


def hang_up(request: web.BaseRequest) -> web.Response:
    """Closes the connection; the response is for aiohttp and is not sent."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def reset(request: web.BaseRequest) -> web.Response:
    """Resets the connection; the response is for aiohttp and is not sent."""
    if request.transport is not None:
        # With a linger time of zero the kernel sends RST instead of FIN.
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()
