"""Exchanges without sockets: a sender's connection and an upstream's, whose transports forget what is written."""

import asyncio
import os
import socket
from functools import partial
from typing import Any

from proxy.app.generation import Generation
from proxy.app.premises import Premises
from proxy.clock import SystemClock
from proxy.forwarding.exchange import exchange
from proxy.observe.lines import LineWriter
from proxy.observe.log import Log
from proxy.server.desk import Desk, Terms
from proxy.server.sender import SenderConnection
from proxy.upstream.connection import UpstreamConnection
from proxy.wire.reading import BUFFER, PieceReader
from tests.bench import samples

TERMS = Terms(max_head=64 << 10, max_fields=100, head_timeout=30, body_timeout=60, idle_timeout=60)


def fault(*what: object) -> None:
    """Takes what does not happen to exchanges that go well."""
    raise AssertionError(what)


class Void(asyncio.Transport):
    """A transport that has sent everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        """Sent, and forgotten at the next."""
        self.written = data

    def is_closing(self) -> bool:
        """Never."""
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
        loop, silent = asyncio.new_event_loop(), Silent(os.open(os.devnull, os.O_WRONLY))
        log = Log(silent, level="info", human=False)
        premises = Premises(log=log, environ={}, loop=loop, clock=SystemClock())
        context = Generation(samples.configuration(1), premises).context
        (route,) = context.routes
        route.source = samples.granted_source()
        desk = Desk(
            terms=TERMS,
            deadlines=premises.deadlines,
            ids=iter(()),
            serve=partial(exchange, context=context),
            refuse=fault,
            crashed=fault,
            arrived=lambda _sender: None,
            departed=fault,
            secure=False,
            reader=premises.request_reader,
        )
        sender = SenderConnection(desk)
        upstream = UpstreamConnection("upstream", premises.deadlines, fault, premises.response_reader)
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
        """One exchange."""
        request, response = self._request, self._response
        BUFFER[: len(request)] = request
        self._from_sender.buffer_updated(len(request))
        BUFFER[: len(response)] = response
        self._from_upstream.buffer_updated(len(response))
