"""Fetching a CSRF token for a sender that cannot: HEAD with `X-CSRF-Token: Fetch`, GET where HEAD is refused."""

from proxy.errors import Draining
from proxy.forwarding.attempt import Answered, Failed, Outgoing, attempt
from proxy.forwarding.body import BufferedBody
from proxy.forwarding.csrf import CsrfUnit, Ringing, parse
from proxy.forwarding.fields import value_of, values_of
from proxy.forwarding.request import Prepared
from proxy.forwarding.routes import Route
from proxy.oauth.token import Token
from proxy.observe.account import Account

_NO_CONTENT = BufferedBody(b"")


async def renew_unit(route: Route, prepared: Prepared, failed: CsrfUnit | None, token: Token) -> bool:
    """Whether there is now a unit other than the one that failed; fetched at the message's own path."""
    authorization = token.authorization

    async def fetch(waiting: Ringing) -> CsrfUnit | None:
        for method in ("HEAD", "GET"):
            unit, again = await _ask(route, prepared, authorization, method, waiting)
            if unit is not None or not again:
                return unit
        return None

    return await route.csrf.renew(failed, authorization, fetch) is not None


async def _ask(
    route: Route, prepared: Prepared, authorization: bytes, method: str, waiting: Ringing
) -> tuple[CsrfUnit | None, bool]:
    """(the unit if the upstream gave one, whether another method is worth trying)."""
    outgoing = Outgoing(method, fetch_head(prepared, authorization, method), _NO_CONTENT)
    outcome = await attempt(route, outgoing, waiting, Account("", method))
    if isinstance(outcome, Failed) and isinstance(outcome.failure, Draining):
        raise outcome.failure
    if not isinstance(outcome, Answered):
        return None, False
    head = outcome.head
    outcome.discard()
    token = value_of(head.fields, b"x-csrf-token")
    if token and token.lower() not in (b"required", b"fetch"):  # of any status: the filter comes first
        cookies = tuple(
            (name, value) for name, value, kept in map(parse, values_of(head.fields, b"set-cookie")) if kept
        )
        return CsrfUnit(token=token, cookies=cookies, authorization=authorization), False
    return None, head.status in (405, 501)


def fetch_head(prepared: Prepared, authorization: bytes, method: str) -> bytes:
    """The head of a fetch: request target, Host and Via of the message, and nothing else that the sender sent."""
    first, *lines = prepared.start.split(b"\r\n")
    target = first.split(b" ")[1]
    kept = [line for line in lines if line.startswith((b"Host: ", b"Via: "))]
    start = method.encode() + b" " + target + b" HTTP/1.1"
    return b"\r\n".join([start, *kept, b"X-CSRF-Token: Fetch", b"Authorization: " + authorization, b"", b""])
