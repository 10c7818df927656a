"""The TLS context of a listener, renewed when its files change.

New connections use the new context. Existing ones keep theirs.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.model import ListenerTls
from proxy.observe.logger import Logger
from proxy.server.subject import subject_of_certificate
from proxy.wire.tls_context import file_reason, present, trust


class Certificate:
    """The certificate of a listener; reads its files at construction, so not in the event loop (OSError)."""

    def __init__(
        self,
        tls: ListenerTls,
        name: str,
        *,
        log: Logger,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        threads: FileThreads | None = None,
    ) -> None:
        """`name` is the listener's in log lines."""
        self._name, self._log = name, log
        paths = tuple(path for path in (tls.cert_file, tls.key_file, tls.client_ca_file) if path)
        self.files = FileWatcher(paths, read=partial(accepting_context, tls), sleep=sleep, threads=threads)

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the next connection."""
        return self.files.value

    def follow(self) -> None:
        """Watches the files until `close`."""
        self.files.start(changed=self._renewed, rejected=self._rejected)

    async def close(self) -> None:
        """Stops watching."""
        await self.files.close()

    def _renewed(self, _context: ssl.SSLContext) -> None:
        self._log.info("certificate.renewed", listener=self._name)

    def _rejected(self, error: Exception) -> None:
        reason = file_reason(error) if isinstance(error, OSError) else reason_of(error)
        detail = "The previous certificate stays in use; correct cert_file, key_file and client_ca_file."
        self._log.warning("certificate.rejected", listener=self._name, reason=reason, detail=detail)


def accepting_context(tls: ListenerTls) -> ssl.SSLContext:
    """Returns a context for TLS 1.2 or newer and HTTP/1.1. With `client_ca_file`, senders need a certificate.

    Reads files. Raises OSError, which names the file, if one cannot be read or used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    present(context, tls.cert_file, tls.key_file)
    if tls.client_ca_file:
        trust(context, tls.client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
        subject_of_certificate(b"")  # loads the certificate parser before the first handshake
    return context
