"""Connections to token endpoints: addresses from our resolver, TCP keep-alive, and a limit to what an endpoint sends.

aiohttp itself limits only the length of a line. It buffers whatever comes before the answer.
"""

import asyncio
import socket
from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from proxy.wire.keepalive import keep_alive
from proxy.wire.resolver import Resolver, SocketAddress

MAX_HEAD = 256 << 10
"Bytes of one head."
MAX_INTERIM = 64
"Interim answers (RFC 9110 §15.2) before the answer."
MAX_WIRE = 8 << 20
"Bytes after the head; enough for a body of 1 MiB in small chunks, with trailer fields."
MAX_LINE, MAX_FIELDS = 2 * MAX_HEAD, MAX_HEAD // 4
"aiohttp's own limits: never reached within MAX_HEAD, they limit trailer fields."
_PIECE = 4096
"Bytes that are parsed at a time until the head of the answer is complete."


class AnswerTooLong(HttpProcessingError):
    """An answer exceeds a limit; the message is the object of a sentence."""


class GrantConnector(aiohttp.TCPConnector):
    """Opens a connection for each request: the next request comes so late that a kept connection would be dead."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__(
            limit=0, force_close=True, resolver=GrantResolver(resolver), use_dns_cache=False, socket_factory=_socket
        )
        self._factory = cast("partial[ResponseHandler]", partial(_BoundedHandler, loop=self._loop))


class GrantResolver(AbstractResolver):
    """Makes the resolver that upstreams use one of aiohttp's."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Returns addresses of any family, as aiohttp represents them; OSError if there are none."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=textual(address),
                port=port,
                family=found,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, _, proto, _, address in await self._resolver.resolve(host, port)
        ]

    async def close(self) -> None:
        """Does nothing: the resolver belongs to the process."""


def textual(address: SocketAddress) -> str:
    """Returns the host of an address, with its zone if it has one (RFC 4007 §11)."""
    zone = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])


def _socket(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    keep_alive(made)
    return made


class _BoundedHandler(ResponseHandler):
    """Reads one answer, and discards the interim answers before it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._size = self._interim = 0
        self._answered = False

    def data_received(self, data: bytes) -> None:
        """Parses small pieces until the answer begins, so that heads are counted soon."""
        while len(data) > _PIECE and not self._answered:
            piece, data = data[:_PIECE], data[_PIECE:]
            self._receive(piece)
            if self.exception() is not None:
                return
        self._receive(data)  # empty data makes aiohttp continue with what it has buffered

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Receives a parsed head."""
        if self._answered:
            return  # a second answer to one request
        self._size = 0
        if 100 <= data[0].code < 200 and data[0].code != 101:
            self._interim += 1
            return
        self._answered = True
        super().feed_data(data, size)

    def _receive(self, data: bytes) -> None:
        self._size += len(data)
        super().data_received(data)
        if self._interim > MAX_INTERIM:
            self._fail(AnswerTooLong(message=f"more than {MAX_INTERIM} interim answers"))
        elif self._size > (MAX_WIRE if self._answered else MAX_HEAD):
            self._fail(AnswerTooLong(message="more than 1 MiB" if self._answered else "a head of more than 256 KiB"))
        elif (error := self.exception()) is not None:  # aiohttp does not pass it to the reader of the body
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._payload is not None:
            self._payload.set_exception(error)
        self.set_exception(error)
        if self.transport is not None:
            self.transport.abort()
