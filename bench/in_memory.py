"""Exchanges without sockets: a sender's connection and an upstream's, whose transports forget what is written."""

import asyncio
import os
import socket
from functools import partial
from typing import Any

from bench import samples
from proxy.app.generation import Generation
from proxy.forwarding.exchange import exchange
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog
from proxy.server.sender_connection import SenderConnection
from proxy.upstream.connection import UpstreamConnection
from proxy.wire.reading import BUFFER, PieceReader


class Void(asyncio.Transport):
    """A transport that has sent everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        """Sent, and forgotten at the next."""
        self.written = data

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        """Nothing ends a connection here, but what is a fault."""
        raise AssertionError("a connection was ended")

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""


class Silent(LineWriter):
    """Lines are made, and not written."""

    def write(self, line: str) -> None:
        """Not at all."""


class InMemory:
    """One sender and one upstream, over which exchanges go one after the other."""

    def __init__(self, request: bytes, response: bytes) -> None:
        silent = Silent(os.open(os.devnull, os.O_WRONLY))
        premises = samples.premises(ProcessLog(silent, level="info", human=False))
        context = Generation(samples.configuration(1), premises).context
        (route,) = context.routes
        route.source = samples.granted_source()
        sender = SenderConnection(samples.context(premises, partial(exchange, context=context)))
        upstream = UpstreamConnection("upstream", premises.deadlines, samples.fault, premises.response_reader)
        self._pair = socket.socketpair()
        upstream.watch_socket(self._pair[0].fileno(), in_clear=True)
        self.to_sender = Void()
        self._from_sender, self._from_upstream = PieceReader(sender), PieceReader(upstream)
        self._from_sender.connection_made(self.to_sender)
        self._from_upstream.connection_made(Void())
        route.pool._all.add(upstream)
        route.pool.give_back(upstream)
        self._request, self._response = request, response

    def __call__(self) -> None:
        request, response = self._request, self._response
        BUFFER[: len(request)] = request
        self._from_sender.buffer_updated(len(request))
        BUFFER[: len(response)] = response
        self._from_upstream.buffer_updated(len(response))
