"""Fetching a CSRF token for a sender that cannot: HEAD with `X-CSRF-Token: Fetch`, GET where HEAD is refused."""

from proxy.errors import Draining
from proxy.forwarding.attempt import Answered, Failed, Outgoing, Waiting, attempt
from proxy.forwarding.body import BufferedBody
from proxy.forwarding.csrf import CsrfUnit, shared_unit, unit_within
from proxy.forwarding.request import Prepared
from proxy.forwarding.routes import Route
from proxy.observe.account import Account

_NO_CONTENT = BufferedBody(b"")


async def another_unit(
    route: Route, prepared: Prepared, failed: CsrfUnit | None, authorization: bytes, sender: Waiting
) -> CsrfUnit | None:
    """A unit other than the one that failed, fetched at the message's own path; None if the upstream gives none.

    That of a sender with cookies of its own is made within its session, and belongs to its exchange alone.
    """

    async def fetch(waiting: Waiting) -> CsrfUnit | None:
        for method in ("HEAD", "GET"):
            unit, again = await _ask(route, prepared, authorization, method, waiting)
            if unit is not None or not again:
                return unit
        return None

    if prepared.cookies:
        return await fetch(sender)
    return await route.csrf.renew(failed, authorization, path_of(prepared), fetch)


async def _ask(
    route: Route, prepared: Prepared, authorization: bytes, method: str, waiting: Waiting
) -> tuple[CsrfUnit | None, bool]:
    """(the unit if the upstream gave one, whether another method is worth trying).

    The protection answers by itself, at once; a fetch that hangs must not hold up messages as long as a flow may.
    """
    head = fetch_head(prepared, authorization, method)
    outgoing = Outgoing(method, head, _NO_CONTENT, route.settings.connect_timeout)
    outcome = await attempt(route, outgoing, waiting, Account("", method))
    if isinstance(outcome, Failed) and isinstance(outcome.failure, Draining):
        raise outcome.failure
    if not isinstance(outcome, Answered):
        return None, False
    fields, status = outcome.head.fields, outcome.head.status
    outcome.discard()
    token = fields.value(b"x-csrf-token")
    if token and token.lower() not in (b"required", b"fetch"):  # of any status: the filter comes first
        cookies = fields.values(b"set-cookie")
        if prepared.cookies:
            return unit_within(prepared.cookies, token, cookies, authorization), False
        return shared_unit(token, cookies, authorization), False
    return None, status in (405, 501)


def path_of(prepared: Prepared) -> bytes:
    """The path of the forwarded request, without its query."""
    return prepared.start.split(b" ", 2)[1].partition(b"?")[0]


def fetch_head(prepared: Prepared, authorization: bytes, method: str) -> bytes:
    """The head of a fetch: request target, Host, Via and cookies of the message, and nothing else of the sender's."""
    first, *lines = prepared.start.split(b"\r\n")
    target = first.split(b" ")[1]
    kept = [line for line in lines if line.startswith((b"Host: ", b"Via: "))]
    cookies = [b"Cookie: " + prepared.cookies] if prepared.cookies else []
    start = method.encode() + b" " + target + b" HTTP/1.1"
    return b"\r\n".join([start, *kept, b"X-CSRF-Token: Fetch", *cookies, b"Authorization: " + authorization, b"", b""])
