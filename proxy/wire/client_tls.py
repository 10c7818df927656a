"""TLS over a TCP connection, as the protocol below and the transport above at once.

The event loops' own TLS ends a connection at a failed write without looking for the answer that came before it, does
not tell a regular end (close_notify) from a cut, and keeps 256 KiB for each connection; hence ours, on OpenSSL's
buffers in memory. It costs the same.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from proxy.wire.reading import BUFFER, ConnectionProtocol, SharedBuffer, left_behind
from proxy.wire.records import RecordEnds

RECORD = 16 << 10
"Octets in clear of one record at most (RFC 8446 §5.1)."


class ClientTlsTransport(SharedBuffer, asyncio.Transport):
    """One connection to the server of that name; `secured` is done when the handshake is done or has failed.

    Without a name we are the server (`server_tls.py`).
    """

    def __init__(
        self, context: ssl.SSLContext, hostname: str | None, upper: ConnectionProtocol, descriptor: int = -1
    ) -> None:
        super().__init__()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=hostname is None, server_hostname=hostname
        )
        self._records = RecordEnds()
        self._upper = upper
        self._descriptor = descriptor
        self._below = cast("asyncio.Transport", None)
        self._step: Callable[[], None] = self._handshake
        self._secured = self._paused = False
        self._error: Exception | None = None
        self._over = False
        "Whether TLS has ended, in order unless there is an `_error`; the protocol above may not know it yet."
        self.secured: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ---- the protocol below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins the handshake."""
        self._below = cast("asyncio.Transport", transport)
        self._handshake()

    def buffer_updated(self, nbytes: int) -> None:
        """Decrypts bytes."""
        octets = BUFFER[:nbytes]
        self._records.follow(octets)
        self._incoming.write(octets)
        self._step()

    def eof_received(self) -> bool | None:
        """Is called at the end of TCP; whether TLS has ended is known already."""

    def connection_lost(self, error: Exception | None) -> None:
        """Is called when TCP has ended; still reads what came before a failed write."""
        if error is not None and self._secured and not self._paused:
            for octets in left_behind(self._descriptor):
                self._incoming.write(octets)
                self._step()
        if self._secured:
            self._upper.connection_lost(self._error or error)
        else:
            self._unsecured(error or ConnectionResetError("closed in the handshake"))
        self._step = nothing

    def pause_writing(self) -> None:
        """Is called when the peer reads slowly."""
        self._upper.pause_writing()

    def resume_writing(self) -> None:
        """Is called when the peer has caught up."""
        self._upper.resume_writing()

    # ---- the transport above

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypts and sends."""
        try:
            sent = self._tls.write(data)
            while sent < len(data):
                sent += self._tls.write(memoryview(data)[sent:])
        except ssl.SSLError as error:  # the peer has ended TLS, or wants what nobody does any more
            self._break(error)
        else:
            self._below.write(self._outgoing.read())

    def abort(self) -> None:
        """Ends at once; decrypts nothing more."""
        self._step = nothing
        if self._below is not None:
            self._below.abort()

    def is_closing(self) -> bool:
        """Whether it is closing."""
        return self._below.is_closing()

    @property
    def undelivered(self) -> bool:
        """Whether bytes have come that the protocol above has not received: a record, or a part of one.

        It may be unread, or held by OpenSSL, or the end; `resume_reading` may have scheduled its delivery.
        """
        return self._waits or self._tls.pending() > 0 or not self._records.whole

    def pause_reading(self) -> None:
        """Passes nothing more to the protocol above."""
        self._paused = True
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Resumes, first with what is decrypted already."""
        self._paused = False
        self._below.resume_reading()
        if self._waits:
            asyncio.get_running_loop().call_soon(self._go_on)

    def get_write_buffer_size(self) -> int:
        """Returns the bytes that the system has not accepted yet."""
        return self._below.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Sets from how many bytes on the protocol above has to wait."""
        self._below.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Returns what TLS knows, else TCP."""
        return self._tls if name == "ssl_object" else self._below.get_extra_info(name, default)

    # ---- between the two

    def _go_on(self) -> None:
        self._step()

    def _handshake(self) -> None:
        """One step of the handshake."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except (ssl.SSLError, ssl.CertificateError) as error:
            self._flush()  # the alert that tells the peer why
            self._unsecured(error)
        else:
            self._flush()
            self._step, self._secured = self._read, True
            self._begin()
            self._step()

    def _begin(self) -> None:
        self._upper.connection_made(self)
        if not self.secured.done():
            self.secured.set_result(None)

    @property
    def _waits(self) -> bool:
        """Whether something has come that the protocol above has not received."""
        return self._over or bool(self._incoming.pending)

    def _read(self) -> None:
        """Passes what can be decrypted to the protocol above, then the end."""
        if self._paused:
            return
        octets = b"" if self._over else self._decrypt()
        if octets:
            self._upper.data_received(octets)
        if self._over:
            self._finish()

    def _decrypt(self) -> bytes:
        """Returns all records in one piece, because passing them on one by one costs as much as decrypting them."""
        records = []
        try:
            while octets := self._tls.read(RECORD):
                records.append(octets)
                if not self._incoming.pending:  # a record is read whole, so that no exception need say so
                    break
            else:
                self._over = True
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()
            self._over, self._error = True, self._error or error
        return b"".join(records)

    def _finish(self) -> None:
        """Reports the end, unless the protocol above has just paused reading, or has closed."""
        if self._paused or self._step != self._read:
            return
        self._step = nothing
        if self._error is not None:
            self._below.abort()
        else:
            self._peer_ended()

    def _peer_ended(self) -> None:
        self._upper.eof_received()
        self._below.close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._below.write(self._outgoing.read())

    def _break(self, error: Exception) -> None:
        self._error = self._error or error
        self._below.abort()

    def _unsecured(self, error: Exception) -> None:
        self._step = nothing
        if not self.secured.done():
            self.secured.set_exception(error)
        self._below.abort()


def nothing() -> None:
    """Reads nothing more."""
