"""Fetches a CSRF unit from the upstream, for an exchange that was refused for want of one."""

from proxy.errors import Draining
from proxy.forwarding.attempt import AttemptFailed, attempt
from proxy.forwarding.body import BufferedBody
from proxy.forwarding.csrf import scheme
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.prepared_request import PreparedRequest
from proxy.forwarding.request import Recipient
from proxy.forwarding.routes import Route
from proxy.observe.exchange_record import ExchangeRecord

_NO_CONTENT = BufferedBody(b"")


def unit_for(
    route: Route, prepared: PreparedRequest, authorization: bytes, fetched: CsrfUnit | None
) -> CsrfUnit | None:
    """The unit to send along, for methods that need one: the one that was fetched for this exchange, or the route's.

    A sender that has a CSRF token or a session of its own keeps it.
    """
    if fetched is not None and fetched.authorization == authorization:
        return fetched
    unit = route.csrf.unit(authorization)
    if unit is None or prepared.cookies or prepared.has_csrf_token or prepared.method in scheme.SAFE:
        return None
    return unit


async def another_unit(
    route: Route, prepared: PreparedRequest, failed: CsrfUnit | None, authorization: bytes, recipient: Recipient
) -> CsrfUnit | None:
    """A unit other than the one that failed, fetched at the message's own path; None if the upstream gives none.

    That of a sender with cookies of its own is made within its session, and belongs to its exchange alone.
    """

    async def fetch(recipient: Recipient) -> CsrfUnit | None:
        for method in scheme.METHODS:
            unit, again = await _ask(route, prepared, authorization, method, recipient)
            if unit is not None or not again:
                return unit
        return None

    if prepared.cookies:
        return await fetch(recipient)
    return await route.csrf.renew(failed, authorization, prepared.target.partition(b"?")[0], fetch)


async def _ask(
    route: Route, prepared: PreparedRequest, authorization: bytes, method: str, recipient: Recipient
) -> tuple[CsrfUnit | None, bool]:
    """(the unit if the upstream gave one, whether another method is worth trying).

    The protection answers by itself, at once; a fetch that hangs must not hold up messages as long as a flow may.
    """
    request = scheme.fetch(prepared, authorization, method)
    patience = min(route.timeout, route.settings.connect_timeout)
    result = await attempt(route, request, _NO_CONTENT, recipient, ExchangeRecord("", method), patience=patience)
    if isinstance(result, AttemptFailed):
        if isinstance(result.failure, Draining):
            raise result.failure
        return None, False
    head = result.head
    result.discard()
    return scheme.read(head, prepared, authorization), scheme.refuses_method(head)
