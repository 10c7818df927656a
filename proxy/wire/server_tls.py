"""TLS at our own door: the server's side of a channel.

The protocol above is there from the first moment, so that a connection counts, and has a deadline, while its handshake
is on the way; until that is done nothing of it is heard, and nothing goes out in clear.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import cast

from proxy.wire.client_tls import ClientTlsTransport, nothing
from proxy.wire.reading import ConnectionProtocol


class ServerTlsTransport(ClientTlsTransport):
    """One connection that somebody has made to us."""

    def __init__(
        self,
        context: ssl.SSLContext,
        upper: ConnectionProtocol,
        *,
        secured: Callable[[ssl.SSLObject], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """`secured` learns whom the handshake was with, `failed` that there was none, unless we ended it."""
        super().__init__(context, None, upper)
        self._on_secured, self._on_failed = secured, failed
        self._half_closed = self._kept = self._ended = False

    # ---- the protocol below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected, and speaks first."""
        self._below = cast("asyncio.Transport", transport)
        self._upper.connection_made(self)

    def eof_received(self) -> bool:
        """TCP ends; where a request ends its framing tells, so that the end of TLS need not be there before it."""
        if self._secured:
            self._peer_ended()
        return self._kept

    def connection_lost(self, error: Exception | None) -> None:
        """TCP is over."""
        if not self._secured and self._step is not nothing:
            self._on_failed(error or ConnectionResetError("closed in the handshake"))
        self._step = nothing
        upper, error = self._upper, self._error or error
        self._error = None
        del (
            self._upper,
            self._on_secured,
            self._on_failed,
        )  # in a ring, they would keep all of it until a garbage collection
        upper.connection_lost(error)

    # ---- the transport above

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends in cipher; without a handshake nothing."""
        if self._secured:
            super().write(data)

    def close(self) -> None:
        """Ends in good order, after what was sent."""
        if not self.is_closing():
            self._end_tls()
            self._below.close()

    def can_write_eof(self) -> bool:
        """Whether there is an end to be told."""
        return self._secured

    def write_eof(self) -> None:
        """Ends our side; what comes from now on is dropped."""
        self._end_tls()
        self._step = self._drop
        self._below.write_eof()

    # ---- between the two

    def _begin(self) -> None:
        self._on_secured(self._tls)

    def _unsecured(self, error: Exception) -> None:
        self._step = nothing
        self._on_failed(error)
        self._below.close()  # behind the alert

    def _peer_ended(self) -> None:
        """Tells it once, whether TLS ends first or TCP."""
        if not self._half_closed:
            self._half_closed = True
            self._kept = bool(self._upper.eof_received())
            if self._kept:
                self._step = self._drop
            else:
                self.close()

    def _end_tls(self) -> None:
        """Our close_notify (RFC 8446 §6.1); the peer's is not waited for."""
        self._step = nothing
        if self._secured and not self._ended:
            self._ended = True
            with contextlib.suppress(ssl.SSLError):  # the peer's has not come, or what came is not the end
                self._tls.unwrap()
            self._flush()

    def _drop(self) -> None:
        self._incoming.read()
