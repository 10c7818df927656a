"""One address that senders reach us at: accepts connections within the limits, refuses the others with a reason."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from proxy.config.model import Address, Limits
from proxy.config.model import ListenerSettings as Settings
from proxy.errors import ProxyError, SenderNotAllowed
from proxy.forwarding.request import Request
from proxy.hosts import in_networks
from proxy.observe.logger import Logger
from proxy.server import sockets
from proxy.server.certificate import Certificate
from proxy.server.listener_context import ListenerContext, ListenerLimits
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from proxy.server.sender_transport import LINGER
from proxy.server.subject import subject_of
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import RequestReader
from proxy.wire.reading import PieceReader
from proxy.wire.server_tls import ServerTlsTransport


class Unsecured(Protocol):
    """Is told of a handshake that failed."""

    def __call__(self, error: Exception, address: str, *, wants_certificate: bool) -> None:
        """`wants_certificate` is whether the listener demands a client certificate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What the listeners of one configuration share."""

    limits: Limits
    deadlines: Deadlines
    ids: Iterator[str]
    crowd: SenderConnections
    serve: Callable[[Request], Coroutine[Any, Any, None]]
    refuse: Callable[[SenderConnection, ProxyError, str], None]
    crashed: Callable[[BaseException, str], None]
    unsecured: Unsecured
    "Told of each handshake that failed, with the sender's address."
    reader: RequestReader
    "Of heads; one for all connections."
    log: Logger


class Listener:
    """Has its address from `bind` on, accepts from `start` to `stop`. With TLS it reads files when made."""

    def __init__(self, settings: Settings, reception: Reception) -> None:
        self.settings = settings
        self._reception = reception
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._stopped = False
        self._outdated: list[Certificate] = []
        self.certificate = self._certificate(settings)
        self._desk = self._new_desk()

    def bind(self, handed: list[socket.socket], *, reuse_port: bool) -> None:
        """Takes the address's sockets out of those that were handed over, or binds one; OSError if it cannot be had.

        Blocks for as long as DNS does.
        """
        address = self.settings.address
        self._sockets = [each for each in handed if sockets.is_at(each, address)]
        for each in self._sockets:
            handed.remove(each)
        self._sockets = self._sockets or sockets.listening(address, reuse_port=reuse_port)

    async def start(self) -> None:
        """Accepts from now on."""
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            serve = loop.create_unix_server if each.family is socket.AF_UNIX else loop.create_server
            self._servers.append(await serve(self._accept, sock=each, backlog=sockets.BACKLOG))
        if self.certificate is not None:
            self.certificate.follow()

    @property
    def port(self) -> int:
        """The port that is listened on, also where the configuration says 0."""
        return int(self._sockets[0].getsockname()[1]) if self._sockets and self.settings.address.path is None else 0

    @property
    def address(self) -> Address:
        """Where it listens."""
        address = self.settings.address
        return address if address.path is not None else replace(address, port=self.port)

    @property
    def place(self) -> str:
        """Where it listens, for people: for a wildcard, with what it takes."""
        return f"{self.address}{sockets.taken_by(self._sockets)}"

    def prepare(self, settings: Settings) -> Callable[[Reception], None]:
        """Reads the files of other settings for the same address (OSError); what lets them hold cannot fail."""
        renewed = settings.tls != self.settings.tls
        return partial(self._take, settings, self._certificate(settings) if renewed else self.certificate)

    async def stop(self) -> None:
        """Accepts no more but who has connected already; connections that are there go on."""
        self._stopped = True
        loop, bound = asyncio.get_running_loop(), self._sockets
        late = [each for found in bound for each in sockets.waiting(found)] if self._servers else []
        for server in self._servers:
            server.close()
        sockets.close(bound)
        self._sockets, self._servers = [], []
        for each in late:  # the system would reset them, and they may have sent a message
            await loop.connect_accepted_socket(self._accept, each)

    def release(self) -> None:
        """Gives up the address, before `start`."""
        sockets.close(self._sockets)
        self._sockets = []

    async def tidy(self) -> None:
        """Ends what it has replaced."""
        for certificate in self._outdated:
            await certificate.close()
        self._outdated = []

    async def close(self) -> None:
        """Ends what belongs to it beside connections."""
        await self.tidy()
        if self.certificate is not None:
            await self.certificate.close()

    def drain(self, patience: float = LINGER) -> None:
        """Ends its connections, once their exchanges are over; idle ones have so many seconds for a last one."""
        for sender in self._reception.crowd:
            if sender.desk is self._desk:
                sender.drain(patience)

    def _take(self, settings: Settings, certificate: Certificate | None, reception: Reception) -> None:
        """Goes on like this. Who came in past another fence finishes what it has begun, and has to come again."""
        renewed = (settings.allow, settings.tls) != (self.settings.allow, self.settings.tls)
        self.settings, self._reception = settings, reception
        if certificate is not self.certificate:
            self._outdated += [self.certificate] if self.certificate else []
            self.certificate = certificate
            if certificate is not None:
                certificate.follow()
        if renewed:
            self.drain(patience=0)
            self._desk = self._new_desk()
        else:
            self._desk.take(terms_of(reception.limits), reception.serve)

    def _certificate(self, settings: Settings) -> Certificate | None:
        return Certificate(settings.tls, str(settings.address), log=self._reception.log) if settings.tls else None

    def _accept(self) -> asyncio.BaseProtocol:
        """The protocol of a new connection."""
        sender, certificate, unsecured = SenderConnection(self._desk), self.certificate, self._reception.unsecured
        if certificate is None:
            return PieceReader(sender)
        tls = self.settings.tls
        wants_certificate = tls is not None and tls.client_ca_file is not None

        def shaken(tls: ssl.SSLObject) -> None:
            sender.subject = subject_of(tls)

        return ServerTlsTransport(
            certificate.context,
            sender,
            shaken=shaken,
            failed=lambda error: unsecured(error, sender.address, wants_certificate=wants_certificate),
        )

    def _new_desk(self) -> ListenerContext:
        reception = self._reception
        return ListenerContext(
            terms=terms_of(reception.limits),
            deadlines=reception.deadlines,
            ids=reception.ids,
            serve=reception.serve,
            refuse=reception.refuse,
            crashed=reception.crashed,
            arrived=self._arrived,
            departed=reception.crowd.remove,
            secure=self.certificate is not None,
            reader=reception.reader,
        )

    def _arrived(self, connection: SenderConnection) -> ProxyError | None:
        """Asked one turn of the event loop after it was accepted, when it may be too late already."""
        if self._stopped:
            connection.drain()
        elif connection.desk is not self._desk:
            connection.drain(patience=0)
        refusal = self._reception.crowd.add(connection)
        allow = self.settings.allow
        if refusal is None and allow is not None and not in_networks(connection.address, allow):
            return SenderNotAllowed("The sender's address is not in the listener's `allow`.")
        return refusal


def terms_of(limits: Limits) -> ListenerLimits:
    """What the configuration grants."""
    return ListenerLimits(
        max_head=limits.max_head,
        max_fields=limits.max_fields,
        head_timeout=limits.head_timeout,
        body_timeout=limits.body_timeout,
        idle_timeout=limits.idle_timeout,
    )
