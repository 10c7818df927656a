"""Logs the steps of an exchange at level debug: route, token, connection, forwarded head, attempts, CSRF fetch.

Credentials are never shown: of a field that holds one, or may, only the name.
"""

from collections.abc import Collection

from proxy.observe.logger import Logger
from proxy.observe.masking import shown_field


class ExchangeSteps:
    """Logs what one exchange does. An exchange has one only if the level is debug when it begins."""

    def __init__(self, log: Logger, request_id: str) -> None:
        self._log = log
        self._id = request_id

    def routed(self, route: str, upstream: str, oauth_client: str) -> None:
        """The request has a route."""
        self._log.debug("route.chosen", request_id=self._id, route=route, upstream=upstream, oauth_client=oauth_client)

    def have_token(self, oauth_client: str, token: str) -> None:
        """There is a token for an attempt: `cached`, `granted` or `renewed`."""
        self._log.debug("token.chosen", request_id=self._id, oauth_client=oauth_client, token=token)

    def connected(self, upstream: str, address: str, tls: str, *, is_new: bool) -> None:
        """There is a connection for an attempt. `tls` is its version, or empty."""
        if is_new:
            self._log.debug("connection.opened", request_id=self._id, upstream=upstream, address=address, tls=tls)
        else:
            self._log.debug("connection.reused", request_id=self._id, upstream=upstream, address=address, tls=tls)

    def forwarded(self, head: bytes, secret: Collection[str]) -> None:
        """A head is sent to the upstream; `secret` has the lower-case names of more fields with credentials."""
        method, target, fields = masked(head, secret)
        self._log.debug("request.forwarded", request_id=self._id, method=method, target=target, fields=fields)

    def attempted(self, number: int, verdict: str, *, status: int, reason: str) -> None:
        """An attempt has ended: with a status, or with the reason why there is none."""
        self._log.debug(
            "attempt.finished",
            request_id=self._id,
            attempt=number,
            status=status,
            reason=reason,
            verdict=verdict,
        )

    def fetched_csrf(self, method: str, *, status: int, found: bool) -> None:
        """A CSRF token was requested; `status` is 0 without an answer."""
        self._log.debug("csrf.fetched", request_id=self._id, method=method, status=status, found=found)


def masked(head: bytes, secret: Collection[str] = ()) -> tuple[str, str, list[str]]:
    """Returns (method, target without query, field lines without the values of credentials) of a request's head."""
    start, *fields = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = start.split(" ")
    return method, target.partition("?")[0], [shown_field(line, secret) for line in fields]
