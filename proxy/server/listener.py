"""One address for senders."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from proxy.config.model import Address
from proxy.config.model import ListenerSettings as Settings
from proxy.server import sockets
from proxy.server.certificate import Certificate
from proxy.server.listener_context import ListenerContext
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_transport import LINGER
from proxy.server.subject import subject_of
from proxy.wire.reading import PieceReader
from proxy.wire.server_tls import ServerTlsTransport


class Listener:
    """Listens from `bind` on and accepts connections from `start` to `stop`. With TLS its constructor reads files."""

    def __init__(self, settings: Settings, context: ListenerContext) -> None:
        self.settings = settings
        self._shared = context
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._outdated: list[Certificate] = []
        self.certificate = self._certificate(settings)
        self._context = self._new_context()

    def bind(self, handed: list[socket.socket], *, reuse_port: bool) -> None:
        """Removes this address's sockets from `handed` and uses them, or else binds one.

        Blocks while DNS does. Raises OSError if the address is not available.
        """
        address = self.settings.address
        self._sockets = [each for each in handed if sockets.is_at(each, address)]
        for each in self._sockets:
            handed.remove(each)
        self._sockets = self._sockets or sockets.listening(address, reuse_port=reuse_port)

    async def start(self) -> None:
        """Accepts connections from now on."""
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            serve = loop.create_unix_server if each.family is socket.AF_UNIX else loop.create_server
            self._servers.append(await serve(self._accept, sock=each, backlog=sockets.BACKLOG))
        if self.certificate is not None:
            self.certificate.follow()

    @property
    def port(self) -> int:
        """The port, even if the configuration says 0; 0 for a Unix socket."""
        return int(self._sockets[0].getsockname()[1]) if self._sockets and self.settings.address.path is None else 0

    @property
    def address(self) -> Address:
        """The address, with the actual port."""
        address = self.settings.address
        return address if address.path is not None else replace(address, port=self.port)

    @property
    def place(self) -> str:
        """The address for log lines; a wildcard with the IP versions that it accepts."""
        return f"{self.address}{sockets.taken_by(self._sockets)}"

    def prepare(self, settings: Settings) -> Callable[[ListenerContext], None]:
        """Reads the files of other settings for this address (OSError). The result applies them and cannot fail."""
        renewed = settings.tls != self.settings.tls
        return partial(self._apply, settings, self._certificate(settings) if renewed else self.certificate)

    async def stop(self) -> None:
        """Accepts only what has connected already. Existing connections stay open."""
        self._context.drain_time = LINGER
        loop, bound = asyncio.get_running_loop(), self._sockets
        late = [each for found in bound for each in sockets.not_accepted(found)] if self._servers else []
        for server in self._servers:
            server.close()
        sockets.close(bound)
        self._sockets, self._servers = [], []
        for each in late:  # the system would reset them, but they may have sent a message
            await loop.connect_accepted_socket(self._accept, each)

    def release(self) -> None:
        """Closes its sockets before `start`."""
        sockets.close(self._sockets)
        self._sockets = []

    async def close_outdated(self) -> None:
        """Stops watching the files of replaced certificates."""
        for certificate in self._outdated:
            await certificate.close()
        self._outdated = []

    async def close(self) -> None:
        """Stops watching files."""
        await self.close_outdated()
        if self.certificate is not None:
            await self.certificate.close()

    def drain(self, seconds: float = LINGER) -> None:
        """Ends its connections after their exchanges; an idle one has some seconds for a last request."""
        self._context.drain_time = seconds
        for each in self._context.connections:
            if each.context is self._context:
                each.drain(seconds)

    def _apply(self, settings: Settings, certificate: Certificate | None, context: ListenerContext) -> None:
        """Applies the settings.

        If other senders are admitted than before, existing connections finish what they have begun, and end.
        """
        renewed = (settings.allow, settings.tls) != (self.settings.allow, self.settings.tls)
        self.settings, self._shared = settings, context
        if certificate is not self.certificate:
            self._outdated += [self.certificate] if self.certificate else []
            self.certificate = certificate
            if certificate is not None:
                certificate.follow()
        if renewed:
            self.drain(0)
            self._context = self._new_context()
        else:
            self._context.apply(context)

    def _certificate(self, settings: Settings) -> Certificate | None:
        return Certificate(settings.tls, str(settings.address), log=self._shared.log) if settings.tls else None

    def _new_context(self) -> ListenerContext:
        return replace(self._shared, secure=self.certificate is not None, allow=self.settings.allow)

    def _accept(self) -> asyncio.BaseProtocol:
        """Returns the protocol of a new connection."""
        sender, certificate, failed = SenderConnection(self._context), self.certificate, self._shared.handshake_failed
        if certificate is None:
            return PieceReader(sender)
        tls = self.settings.tls
        wants_certificate = tls is not None and tls.client_ca_file is not None

        def secured(tls: ssl.SSLObject) -> None:
            sender.subject = subject_of(tls)

        return ServerTlsTransport(
            certificate.context,
            sender,
            secured=secured,
            failed=lambda error: failed(error, sender.address, wants_certificate=wants_certificate),
        )
