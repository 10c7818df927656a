"""What a TLS listener shows its senders, and what they have to show it, as its files have it now.

New files are used for new connections. Looks at them by `stat`, as config/file_watcher.py does for secrets.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.file_watcher import EVERY, Stamp, stamp_of
from proxy.config.model import ListenerTls
from proxy.observe.logger import Logger
from proxy.server.subject import subject_of_certificate
from proxy.wire.tls_context import file_reason, present, trust


class Certificate:
    """Reads its files when made, so it is made before its event loop runs; OSError, ssl.SSLError among them."""

    def __init__(
        self,
        tls: ListenerTls,
        name: str,
        *,
        log: Logger,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`name` is the listener's, for people."""
        self._tls, self._name, self._log, self._sleep = tls, name, log, sleep
        self._threads = FileThreads()
        self._hangs = False
        self._stamp: Stamp | None = present_stamp(tls)
        self._task: asyncio.Task[None] | None = None
        self.context = accepting_context(tls)
        "For the next connection."

    def follow(self) -> None:
        """From now on, until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> None:
        """Take over what is new; a pair that cannot be used is told of once, and what was there stays."""
        try:
            stamp = await self._threads.run(partial(present_stamp, self._tls))
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self.context = await self._threads.run(partial(accepting_context, self._tls))
        except FileHangs as error:
            self._stamp = None  # it is read when it answers again
            if not self._hangs:
                self._rejected(str(error))
            self._hangs = True
        except Exception as error:  # noqa: BLE001 - of any library; the one before goes on to be shown
            self._hangs = False
            self._rejected(file_reason(error) if isinstance(error, OSError) else type(error).__name__)
        else:
            self._hangs = False
            self._log.info("certificate.renewed", listener=self._name)

    def _rejected(self, reason: str | None) -> None:
        detail = "The one before is still shown; mend cert_file, key_file and client_ca_file."
        self._log.warning("certificate.rejected", listener=self._name, reason=reason, detail=detail)

    async def _follow(self) -> None:
        while True:
            await self._sleep(EVERY)
            await self.look()


def accepting_context(tls: ListenerTls) -> ssl.SSLContext:
    """TLS 1.2 or newer, for HTTP/1.1; with `client_ca_file` for those only who show a certificate. Reads files.

    OSError, which names the file, when one cannot be read or used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    present(context, tls.cert_file, tls.key_file)
    if tls.client_ca_file:
        trust(context, tls.client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
        subject_of_certificate(b"")  # loads what reads certificates, before anybody waits for it
    return context


def present_stamp(tls: ListenerTls) -> Stamp | None:
    """What changes with the files; None where one cannot be looked at. Looks at files."""
    with contextlib.suppress(OSError):
        return stamp_of(path for path in (tls.cert_file, tls.key_file, tls.client_ca_file) if path)
    return None
