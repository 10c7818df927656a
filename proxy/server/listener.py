"""One address that senders reach us at: accepts connections within the limits, refuses the others with a reason."""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any

from proxy.config.model import Address, Limits
from proxy.config.model import Listener as Settings
from proxy.errors import Overloaded, ProxyError, SenderNotAllowed
from proxy.forwarding.admission import allowed
from proxy.forwarding.request import Request
from proxy.oauth.source import Log
from proxy.server.certificate import Certificate
from proxy.server.desk import Desk, Terms
from proxy.server.sender import SenderConnection
from proxy.server.subject import subject_of
from proxy.wire.acceptance import AcceptedChannel
from proxy.wire.deadlines import Deadlines

BACKLOG = 1024
"Connections that may wait to be accepted."


class Crowd:
    """All connections of senders, over all listeners, and what they may be at most."""

    def __init__(self, limits: Limits, *, most: int | None = None) -> None:
        """`most` connections at once, where the system has fewer than `max_connections`."""
        self.most = limits.max_connections if most is None else most
        self._most_of_one = limits.max_connections_per_sender
        self._connections: set[SenderConnection] = set()
        self._by_sender: Counter[str] = Counter()
        self._empty: asyncio.Event | None = None

    async def emptied(self, timeout: float) -> None:  # noqa: ASYNC109 - waiting longer is no error
        """Waits until all have gone, for at most so many seconds."""
        self._empty = asyncio.Event()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), timeout)

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[SenderConnection]:
        return iter(list(self._connections))

    def add(self, connection: SenderConnection) -> ProxyError | None:
        """One more; the refusal if it is one too many."""
        self._connections.add(connection)
        self._by_sender[connection.address] += 1
        if len(self._connections) > self.most:
            return Overloaded("All connections are taken; see `limits.max_connections`.", retry_after=1)
        most = self._most_of_one
        if most and connection.address and self._by_sender[connection.address] > most:
            return Overloaded(
                "The sender has too many connections; see `limits.max_connections_per_sender`.", retry_after=1
            )
        return None

    def remove(self, connection: SenderConnection) -> None:
        """It has gone."""
        self._connections.discard(connection)
        if not self._connections and self._empty is not None:
            self._empty.set()
        self._by_sender[connection.address] -= 1
        if not self._by_sender[connection.address]:
            del self._by_sender[connection.address]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What the listeners of one process share."""

    limits: Limits
    deadlines: Deadlines
    ids: Iterator[str]
    crowd: Crowd
    serve: Callable[[Request], Coroutine[Any, Any, None]]
    refuse: Callable[[SenderConnection, ProxyError, str], None]
    crashed: Callable[[BaseException, str], None]
    unsecured: Callable[[Exception, str], None]
    "Told of each handshake that failed, with the sender's address."
    log: Log


class Listener:
    """Listens from `start` to `stop`. With TLS it reads files when made: before its event loop runs."""

    def __init__(self, settings: Settings, reception: Reception) -> None:
        self.settings = settings
        self._reception = reception
        self._server: asyncio.Server | None = None
        tls = settings.tls
        self.certificate = Certificate(tls, str(settings.address), log=reception.log) if tls else None

    async def start(self, *, reuse_port: bool) -> None:
        """Accepts from now on; OSError if the address cannot be had."""
        loop, address = asyncio.get_running_loop(), self.settings.address
        accept = self._acceptance(self._desk())
        if address.path is not None:
            self._server = await loop.create_unix_server(accept, str(address.path), backlog=BACKLOG)
        else:
            self._server = await loop.create_server(
                accept, address.host, address.port, backlog=BACKLOG, reuse_port=reuse_port or None
            )
        if self.certificate is not None:
            self.certificate.follow()

    @property
    def port(self) -> int:
        """The port that is listened on, also where the configuration says 0."""
        sockets = self._server.sockets if self._server else ()
        return int(sockets[0].getsockname()[1]) if sockets and self.settings.address.path is None else 0

    @property
    def address(self) -> Address:
        """Where it listens."""
        address = self.settings.address
        return address if address.path is not None else replace(address, port=self.port)

    def stop(self) -> None:
        """Accepts no more; connections that are there go on."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Ends what belongs to it beside connections."""
        if self.certificate is not None:
            await self.certificate.close()

    def _acceptance(self, desk: Desk) -> Callable[[], asyncio.BaseProtocol]:
        """What makes the protocol of each new connection."""
        certificate, unsecured = self.certificate, self._reception.unsecured
        if certificate is None:
            return lambda: SenderConnection(desk)

        def accept() -> AcceptedChannel:
            sender = SenderConnection(desk)

            def shaken(tls: ssl.SSLObject) -> None:
                sender.subject = subject_of(tls)

            return AcceptedChannel(
                certificate.context, sender, shaken=shaken, failed=lambda error: unsecured(error, sender.address)
            )

        return accept

    def _desk(self) -> Desk:
        reception, limits = self._reception, self._reception.limits
        return Desk(
            terms=Terms(
                max_head=limits.max_head,
                max_fields=limits.max_fields,
                head_timeout=limits.head_timeout,
                body_timeout=limits.body_timeout,
                idle_timeout=limits.idle_timeout,
            ),
            deadlines=reception.deadlines,
            ids=reception.ids,
            serve=reception.serve,
            refuse=reception.refuse,
            crashed=reception.crashed,
            arrived=self._arrived,
            departed=reception.crowd.remove,
            secure=self.certificate is not None,
        )

    def _arrived(self, connection: SenderConnection) -> ProxyError | None:
        refusal = self._reception.crowd.add(connection)
        allow = self.settings.allow
        if refusal is None and allow is not None and not allowed(connection.address, allow):
            return SenderNotAllowed("The sender's address is not in the listener's `allow`.")
        return refusal
