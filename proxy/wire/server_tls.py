"""The server side of TLS.

The protocol above exists from the accepted socket on, so that a connection is counted, and has a deadline, during its
handshake. Until the handshake is done it receives nothing, and nothing is sent unencrypted.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import cast

from proxy.wire.client_tls import ClientTlsTransport, nothing
from proxy.wire.reading import ConnectionProtocol


class ServerTlsTransport(ClientTlsTransport):
    """One accepted connection."""

    def __init__(
        self,
        context: ssl.SSLContext,
        upper: ConnectionProtocol,
        *,
        secured: Callable[[ssl.SSLObject], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """`secured` is called after the handshake, `failed` if it fails, unless we ended it."""
        super().__init__(context, None, upper)
        self._on_secured, self._on_failed = secured, failed
        self._half_closed = self._kept = self._ended = False

    # ---- the protocol below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for the client, which speaks first."""
        self._below = cast("asyncio.Transport", transport)
        self._upper.connection_made(self)

    def eof_received(self) -> bool:
        """Is called at the end of TCP. No close_notify is needed, because framing tells where a request ends."""
        if self._secured:
            self._peer_ended()
        return self._kept

    def connection_lost(self, error: Exception | None) -> None:
        """Is called when TCP has ended."""
        if not self._secured and self._step is not nothing:
            self._on_failed(error or ConnectionResetError("closed in the handshake"))
        self._step = nothing
        upper, error = self._upper, self._error or error
        self._error = None
        del (
            self._upper,
            self._on_secured,
            self._on_failed,
        )  # a cycle would keep everything until a garbage collection
        upper.connection_lost(error)

    # ---- the transport above

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends encrypted; sends nothing before the handshake is done."""
        if self._secured:
            super().write(data)

    def close(self) -> None:
        """Closes after everything is sent."""
        if not self.is_closing():
            self._end_tls()
            self._below.close()

    def can_write_eof(self) -> bool:
        """Whether the handshake is done."""
        return self._secured

    def write_eof(self) -> None:
        """Ends our side, and drops what comes from now on."""
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
        """Reports the end once, whether TLS or TCP ends first."""
        if not self._half_closed:
            self._half_closed = True
            self._kept = bool(self._upper.eof_received())
            if self._kept:
                self._step = self._drop
            else:
                self.close()

    def _end_tls(self) -> None:
        """Sends our close_notify (RFC 8446 §6.1), and does not wait for the peer's."""
        self._step = nothing
        if self._secured and not self._ended:
            self._ended = True
            with contextlib.suppress(ssl.SSLError):  # the peer's has not come, or what came is not the end
                self._tls.unwrap()
            self._flush()

    def _drop(self) -> None:
        self._incoming.read()
