"""Connections to token endpoints: what comes before an answer has a bound, and firewalls do not forget them.

aiohttp keeps all that it reads until somebody takes it, and bounds a head by its lines only.
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
from proxy.wire.resolver import Address, Resolver

MAX_HEAD = 256 << 10
"Octets of one head."
MAX_INTERIM = 64
"Answers before the answer (RFC 9110 §15.2)."
MAX_WIRE = 8 << 20
"Octets behind the head: a body of 1 MiB in small chunks, with trailer fields."
MAX_LINE, MAX_FIELDS = 2 * MAX_HEAD, MAX_HEAD // 4
"Never reached within a head: for aiohttp, which bounds nothing but lines and their number, and for trailer fields."
_PIECE = 4096
"Octets that are read at a time until the answer's head is there."


class AnswerTooLong(HttpProcessingError):
    """More has come than an answer may have; the message is half a sentence."""


class GrantConnector(aiohttp.TCPConnector):
    """A new connection for each grant: they are few, and one that idled for an hour is a dead one."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__(
            limit=0, force_close=True, resolver=GrantResolver(resolver), use_dns_cache=False, socket_factory=_socket
        )
        self._factory = cast("partial[ResponseHandler]", partial(_BoundedHandler, loop=self._loop))


class GrantResolver(AbstractResolver):
    """Asks the resolver that upstreams use."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of any family, as the connector wants them; OSError if there are none."""
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
        """There is nothing to close."""


def textual(address: Address) -> str:
    """The host of an address, with the zone where it has one (RFC 4007 §11)."""
    zone = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])


def _socket(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    keep_alive(made)
    return made


class _BoundedHandler(ResponseHandler):
    """Reads one answer, and drops the interim ones before it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._octets = self._interim = 0
        self._answered = False

    def data_received(self, data: bytes) -> None:
        """In pieces up to the answer, so that few heads are read before they are counted."""
        while len(data) > _PIECE and not self._answered:
            piece, data = data[:_PIECE], data[_PIECE:]
            self._receive(piece)
            if self.exception() is not None:
                return
        self._receive(data)  # which may be empty: aiohttp goes on with what it holds then

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take one head, as the parser has read it."""
        if self._answered:
            return  # nobody asked for another
        self._octets = 0
        if 100 <= data[0].code < 200 and data[0].code != 101:
            self._interim += 1
            return
        self._answered = True
        super().feed_data(data, size)

    def _receive(self, octets: bytes) -> None:
        self._octets += len(octets)
        super().data_received(octets)
        if self._interim > MAX_INTERIM:
            self._fail(AnswerTooLong(message=f"more than {MAX_INTERIM} interim answers"))
        elif self._octets > (MAX_WIRE if self._answered else MAX_HEAD):
            self._fail(AnswerTooLong(message="more than 1 MiB" if self._answered else "a head of more than 256 KiB"))
        elif (error := self.exception()) is not None:  # aiohttp does not tell who reads the body
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._payload is not None:
            self._payload.set_exception(error)
        self.set_exception(error)
        if self.transport is not None:
            self.transport.abort()
