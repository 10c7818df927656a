"""What goes wrong outside of exchanges: early refusals, faults, failed handshakes, and trouble at the admin address."""

import ssl

from proxy.errors import ProxyError
from proxy.forwarding.answers import problem
from proxy.forwarding.context import ExchangeContext
from proxy.forwarding.request import Sender
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.logger import Logger
from proxy.observe.reports import frames
from proxy.server.refusals import Refusals
from proxy.wire.local_site import SiteRefusal
from proxy.wire.tls_context import reason_of

NO_STATUS = 0
"Of what fails before there can be an answer."


class Incidents:
    """Logs them; many refusals become few lines, because anyone can cause them."""

    def __init__(self, log: Logger, refusals: Refusals) -> None:
        self._log = log
        self._refusals = refusals

    def crashed(self, error: BaseException, address: str) -> None:
        """Logs a fault in an exchange without the error's message, because it may quote the request."""
        if self._refusals.admits(500, "exchange_crashed"):
            self._log.error("exchange.crashed", sender=address, error=type(error).__name__, where=frames(error))

    def handshake_failed(self, error: Exception, address: str, *, wants_certificate: bool) -> None:
        """Logs a failed TLS handshake at debug, because anyone who can connect can cause any number of them.

        If the listener wants a client certificate, a sender with a wrong one learns nothing else: then it is a warning.
        """
        reason = reason_of(error) if isinstance(error, ssl.SSLError) else str(error)
        if wants_certificate and self._refusals.admits(NO_STATUS, "handshake_failed"):
            self._log.warning("handshake.failed", sender=address, reason=reason)
        else:
            self._log.debug("handshake.failed", sender=address, reason=reason)

    def admin_refused(self, refusal: SiteRefusal) -> None:
        """Logs a request or connection that the admin address refused."""
        if self._refusals.admits(refusal.status, "admin_refused"):
            self._log.warning("admin.refused", status=refusal.status, detail=refusal.detail)

    def admin_failed(self, error: BaseException | None) -> None:
        """Logs a fault at the admin address, as `crashed` does."""
        if self._refusals.admits(500, "admin_failed"):
            self._log.error("admin.failed", error=type(error).__name__, where=frames(error))


def refuse(sender: Sender, error: ProxyError, request_id: str, context: ExchangeContext) -> None:
    """Answers what never became a request, and tells the observers of it."""
    record = ExchangeRecord(request_id, "")
    record.sender, record.client_certificate = sender.address, sender.subject
    record.failed(error)
    sender.send(
        problem(error, name=context.name, request_id=request_id, method="", close=True, now=context.wall()),
    )
    record.end()
    for observer in context.finishing:
        observer.finished(record)
