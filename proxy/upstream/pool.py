"""The kept-alive connections to one upstream: the one used last is the first to be used again."""

import asyncio
import socket
import ssl
from dataclasses import dataclass

from aiohappyeyeballs import start_connection

from proxy import timeouts
from proxy.config.egress import CorporateProxy
from proxy.errors import ConnectTimeout, Draining, ProxyError, UpstreamUnreachable
from proxy.hosts import host_and_port
from proxy.upstream.connection import IDLE, UpstreamConnection
from proxy.upstream.failures import UNCERTAIN
from proxy.upstream.tunnel import tunnel
from proxy.wire.client_tls import ClientTlsTransport
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import ResponseReader
from proxy.wire.keepalive import keep_alive
from proxy.wire.reading import PieceReader
from proxy.wire.resolver import Found, Resolver
from proxy.wire.tls_context import certificate_advice, reason_of

ATTEMPT_DELAY = 0.25
"Seconds until the next address is tried beside the first (RFC 8305 §5)."


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOrigin:
    """Where an upstream is, and how it is trusted; None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: CorporateProxy | None = None
    "What the connection is tunnelled through."

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)

    @property
    def way(self) -> str:
        """What a sentence about a failed connection names: also the proxy on the way."""
        return f"{self} (through the corporate proxy {self.proxy.url})" if self.proxy else str(self)


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
        """How many wait to be used again."""
        return len(self._idle)

    @property
    def leased(self) -> int:
        """How many serve an exchange."""
        return len(self._all) - len(self._idle)

    def take(self) -> UpstreamConnection | None:
        """A connection that was open when we last heard of it, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.state is IDLE and connection.deadline > self._deadlines.now() and not connection.stale():
                return connection
            connection.cut()
        return None

    def connect(self, timeout: float) -> "asyncio.Task[UpstreamConnection]":
        """A new connection; ConnectTimeout or UpstreamUnreachable. Given back unused, it becomes idle.

        Draining once the pool is closed; closing it cancels what is on its way.
        """
        if self._closed:
            raise stopped(self.origin)
        task = asyncio.get_running_loop().create_task(self._connect(timeout))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return task

    def give_back(self, connection: UpstreamConnection) -> None:
        """The exchange is done with it."""
        connection.release()
        if self._retired:
            connection.cut()
        elif connection.state is IDLE:
            connection.deadline = connection.idle_since + min(self._idle_timeout, connection.idle_time)
            self._idle.append(connection)

    def retire(self) -> None:
        """Keep nothing any more: exchanges that are on their way are its last."""
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
    """The handshake; ssl.SSLError, or UpstreamUnreachable where it is broken off."""
    channel = ClientTlsTransport(tls, host, connection, connected.fileno())
    try:
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=connected)
        await channel.secured
    except ConnectionError as error:
        raise UpstreamUnreachable(
            f"{connection.name} broke off the TLS handshake; does it speak TLS 1.2 or newer there?",
            proxy_status="tls_protocol_error",
        ) from error
    except BaseException:
        channel.abort()
        raise


def stopped(origin: UpstreamOrigin) -> Draining:
    """What waits for a connection that will not be made any more."""
    return Draining(
        f"The proxy was stopped before it had a connection to {origin}; send the message again.", retry_after=1
    )


def too_late(origin: UpstreamOrigin, timeout: float, *, resolved: bool) -> ConnectTimeout:
    """No connection within so many seconds: the network is silent, or DNS (RFC 9209 §2.3.1)."""
    if not resolved:
        return ConnectTimeout(
            f"The name of {origin.way} was not resolved within {timeout:g} s; check DNS.", proxy_status="dns_timeout"
        )
    question = ", and does that proxy answer?" if origin.proxy else "?"
    return ConnectTimeout(f"No connection to {origin.way} within {timeout:g} s; is a firewall in between{question}")


def unreachable(origin: UpstreamOrigin, error: OSError | UnicodeError) -> ProxyError:
    """What a failed connection means, by the kind of exception that the socket world raised."""
    match error:
        case ssl.SSLCertVerificationError():
            return UpstreamUnreachable(
                f"The certificate of {origin} is not accepted ({reason_of(error)}): {certificate_advice(error)}.",
                proxy_status="tls_certificate_error",
            )
        case ssl.SSLError():
            return UpstreamUnreachable(
                f"No TLS with {origin}: {reason_of(error)}; does it speak https, and TLS 1.2 or newer?",
                proxy_status="tls_protocol_error",
            )
        case socket.gaierror() | UnicodeError():
            return UpstreamUnreachable(
                f"The name of {origin.way} cannot be resolved; check `upstream`, `proxy_url` and DNS.",
                proxy_status="dns_error",
            )
        case ConnectionRefusedError() if origin.proxy:
            return UpstreamUnreachable(
                f"The corporate proxy {origin.proxy.url} refused the connection; check `proxy_url` and HTTPS_PROXY.",
                proxy_status="connection_refused",
            )
        case ConnectionRefusedError():
            return UpstreamUnreachable(
                f"{origin.way} refused the connection; is it running, and is the port right?",
                proxy_status="connection_refused",
            )
        case _:
            return UpstreamUnreachable(f"No connection to {origin.way}: {error.strerror or type(error).__name__}.")
