"""Chooses the CSRF unit of an attempt, and fetches one from the upstream after a refusal."""

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
    """Returns the unit for an attempt: the one fetched for this exchange, or the route's. Safe methods need none.

    A sender with its own CSRF token or session keeps it.
    """
    if fetched is not None and fetched.authorization == authorization:
        return fetched
    unit = route.csrf.unit(authorization)
    if unit is None or prepared.cookies or prepared.has_csrf_token or prepared.method in scheme.SAFE:
        return None
    return unit


async def another_unit(
    route: Route,
    prepared: PreparedRequest,
    failed: CsrfUnit | None,
    authorization: bytes,
    recipient: Recipient,
    *,
    record: ExchangeRecord,
) -> CsrfUnit | None:
    """Returns a unit other than the one that failed, fetched at the message's path, or None if there is none.

    `record` is that of the exchange: it keeps the fetch's heads too, if it keeps any.

    For a sender with cookies, the unit is fetched within its session and belongs to this exchange alone.
    """

    async def fetch(recipient: Recipient) -> CsrfUnit | None:
        for method in scheme.METHODS:
            unit, again = await _ask(route, prepared, authorization, method, recipient, exchange=record)
            if unit is not None or not again:
                return unit
        return None

    if prepared.cookies:
        return await fetch(recipient)
    return await route.csrf.renew(failed, authorization, prepared.target.partition(b"?")[0], fetch)


async def _ask(
    route: Route,
    prepared: PreparedRequest,
    authorization: bytes,
    method: str,
    recipient: Recipient,
    *,
    exchange: ExchangeRecord,
) -> tuple[CsrfUnit | None, bool]:
    """Returns (the unit or None, whether another method may work).

    The upstream's filter answers before the flow runs, so the fetch need not wait as long as for a flow.
    """
    request = scheme.fetch(prepared, authorization, method)
    patience = min(route.timeout, route.settings.connect_timeout)
    record = ExchangeRecord("", method)
    steps = record.steps = exchange.steps
    record.heads = exchange.heads
    result = await attempt(route, request, _NO_CONTENT, recipient, record, patience=patience)
    if isinstance(result, AttemptFailed):
        if steps is not None:
            steps.fetched_csrf(method, status=0, found=False)
        if isinstance(result.failure, Draining):
            raise result.failure
        return None, False
    head = result.head
    result.discard()
    unit = scheme.read(head, prepared, authorization)
    if steps is not None:
        steps.fetched_csrf(method, status=head.status, found=unit is not None)
    return unit, scheme.refuses_method(head)
