"""The kept-alive connections to one upstream: the one used last is the first to be used again."""

import asyncio
import socket
import ssl

from aiohappyeyeballs import start_connection

from proxy import timeouts
from proxy.errors import Draining
from proxy.upstream.connection import IDLE, UpstreamConnection
from proxy.upstream.failures import UNCERTAIN, stopped, tls_failure, too_late, unreachable
from proxy.upstream.origin import UpstreamOrigin
from proxy.upstream.tunnel import tunnel
from proxy.wire.client_tls import ClientTlsTransport
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import ResponseReader
from proxy.wire.keepalive import keep_alive
from proxy.wire.reading import PieceReader
from proxy.wire.resolver import Found, Resolver

ATTEMPT_DELAY = 0.25
"Seconds until the next address is tried beside the first (RFC 8305 §5)."


class Pool:
    """Connections to one origin; all timeouts in seconds."""

    def __init__(
        self,
        origin: UpstreamOrigin,
        deadlines: Deadlines,
        *,
        reader: ResponseReader,
        idle_timeout: float,
        resolver: Resolver | None = None,
    ) -> None:
        self.origin = origin
        self._resolver = resolver or Resolver()
        self._deadlines = deadlines
        self._reader = reader
        self._idle_timeout = idle_timeout
        self._idle: list[UpstreamConnection] = []
        self._all: set[UpstreamConnection] = set()
        self._connecting: set[asyncio.Task[UpstreamConnection]] = set()
        self._retired = False
        self._closed = False

    @property
    def idle(self) -> int:
        """The number of idle connections."""
        return len(self._idle)

    @property
    def leased(self) -> int:
        """The number of connections that serve an exchange."""
        return len(self._all) - len(self._idle)

    def acquire(self) -> UpstreamConnection | None:
        """Returns an idle connection that is not known to have ended, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.state is IDLE and connection.deadline > self._deadlines.now() and not connection.stale():
                return connection
            connection.cut()
        return None

    def connect(self, timeout: float) -> "asyncio.Task[UpstreamConnection]":
        """Opens a connection. Given back unused, it becomes idle.

        Raises ConnectTimeout, UpstreamUnreachable, or Draining once the pool is closed. Closing cancels the task.
        """
        if self._closed:
            raise stopped(self.origin)
        task = asyncio.get_running_loop().create_task(self._connect(timeout))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return task

    def give_back(self, connection: UpstreamConnection) -> None:
        """Keeps the connection if it can be used again."""
        connection.release()
        if self._retired:
            connection.cut()
        elif connection.state is IDLE:
            connection.deadline = connection.idle_since + min(self._idle_timeout, connection.idle_time)
            self._idle.append(connection)

    def retire(self) -> None:
        """Keeps no connections from now on; running exchanges are the last."""
        self._retired = True
        for connection in list(self._idle):
            connection.cut()

    async def close(self) -> None:
        """Ends all connections, and makes no more."""
        self._closed = True
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for connection in list(self._all):
            connection.give_up(Draining(f"The proxy was stopped before {self.origin} had answered. {UNCERTAIN}"))

    async def _connect(self, timeout: float) -> UpstreamConnection:  # noqa: ASYNC109 - the option's own name
        host, port = self.origin.proxy.address if self.origin.proxy else (self.origin.host, self.origin.port)
        resolved = False
        try:
            async with timeouts.timeout(timeout):
                addresses = await self._resolver.resolve(host, port)
                resolved = True
                return await self._open(addresses)
        except TimeoutError as error:
            raise too_late(self.origin, timeout, resolved=resolved) from error
        except (OSError, UnicodeError) as error:
            raise unreachable(self.origin, error) from error

    async def _open(self, addresses: list[Found]) -> UpstreamConnection:
        loop, origin = asyncio.get_running_loop(), self.origin
        connected = await start_connection(addresses, happy_eyeballs_delay=ATTEMPT_DELAY)
        keep_alive(connected)
        connection = self._make()
        connection.watch_socket(connected.fileno(), in_clear=origin.tls is None)
        try:
            if origin.proxy:
                await tunnel(connected, origin.proxy, str(origin))
            if origin.tls is None:
                await loop.create_connection(lambda: PieceReader(connection), sock=connected)
            else:
                await secure(connected, origin.tls, origin.host, connection)
        except BaseException:
            connected.close()
            raise
        if connection.open:  # else it has been closed already
            self._all.add(connection)
        return connection

    def _make(self) -> UpstreamConnection:
        return UpstreamConnection(str(self.origin), self._deadlines, self._forget, self._reader)

    def _forget(self, connection: UpstreamConnection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


async def secure(connected: socket.socket, tls: ssl.SSLContext, host: str, connection: UpstreamConnection) -> None:
    """Runs the handshake. Raises ssl.SSLError, or UpstreamUnreachable if the server breaks it off."""
    channel = ClientTlsTransport(tls, host, connection, connected.fileno())
    try:
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=connected)
        await channel.secured
    except ConnectionError as error:
        raise tls_failure(connection.name, error) from error
    except BaseException:
        channel.abort()
        raise
