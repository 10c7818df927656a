"""The life of an exchange, in order: route, admission, body, token, attempt, verdict, relay; and its account."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from proxy.errors import ProxyError, SenderLeft
from proxy.forwarding.admission import Networks, admit
from proxy.forwarding.answers import problem
from proxy.forwarding.attempt import Answered, Failed, Outcome, Outgoing, attempt
from proxy.forwarding.body import arrived, collect
from proxy.forwarding.csrf import CsrfUnit
from proxy.forwarding.handshake import another_unit
from proxy.forwarding.origin import sender_address
from proxy.forwarding.refusal import UNREFUSED, find, refuses
from proxy.forwarding.relay import relay
from proxy.forwarding.request import Prepared, Request, complete, prepare
from proxy.forwarding.routes import Route, Routes
from proxy.forwarding.spool import Spool
from proxy.forwarding.verdict import Verdict, verdict
from proxy.oauth.token import Token
from proxy.observe.account import Account
from proxy.observe.traces import Traces

UNSPENT: frozenset[Verdict] = frozenset()
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"Methods that the CSRF protection lets through (Tomcat's RestCsrfPreventionFilter)."


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all exchanges of one configuration share."""

    routes: Routes[Route]
    name: bytes
    "Ours, in Via and Proxy-Status."
    own_names: frozenset[str]
    "Host names of this machine, for senders that take us for an HTTP proxy."
    trusted_proxies: Networks
    spool: Spool | None
    "Where large bodies are kept; None if no route wants that."
    wall: Callable[[], float]
    "Wall time in seconds, for Date."
    closing: Callable[[Account], None]
    "Takes the account of each finished exchange."
    holdings: Any = None
    "Lives for as long as an exchange does."
    traces: Traces | None = None
    "Makes spans; None where none are wanted."


async def exchange(request: Request, house: House) -> None:
    """Serves one request, whatever happens, and closes its account."""
    account = Account(request.id, request.head.method, request.target.path)
    account.client_certificate = request.sender.subject
    if house.traces is not None:
        house.traces.begin(account, request.head, secure=request.sender.secure)
    try:
        await deliver(request, house, account)
    except ProxyError as error:
        error.__traceback__ = None  # its frames hold the body, and are held by what it is kept in
        account.failed(error)
        tell(request, house, error)
    except SenderLeft as left:
        left.__traceback__ = None
        account.left()
    except Exception:
        account.crashed()
        raise
    finally:
        account.bytes_in = request.body.received
        account.end()
        house.closing(account)


async def deliver(request: Request, house: House, account: Account) -> None:
    """From the head of a request to the relayed answer; ProxyError where the sender gets an answer of ours."""
    address = sender_address(request.sender.address, request.head, house.trusted_proxies)
    route = admit(request, address, house.routes, house.own_names)
    account.routed(route.settings.name, route.settings.oauth_client)
    if route.gate is not None:
        account.admitted(await route.gate.admit(request, address))
    prepared = prepare(request, address, route)
    if route.bounds is None:
        return await forward(request, route, prepared, house.spool, account)
    await route.bounds.enter(request.head, request.body, request.sender, address)
    try:
        await forward(request, route, prepared, house.spool, account)
    finally:
        route.bounds.leave()


async def forward(request: Request, route: Route, prepared: Prepared, spool: Spool | None, account: Account) -> None:
    """From an admitted request to the relayed answer."""
    body = arrived(request.body, route.settings) or await collect(request.body, route.settings, spool)
    method, spent = request.head.method, UNSPENT
    refused: Token | None = None
    fetched: CsrfUnit | None = None
    try:
        while True:
            token = route.source.ready(refused) or await awaited_token(request, route, refused, account)
            account.have_token(renewed=Verdict.RENEW_TOKEN in spent)
            kept = fetched is not None and fetched.authorization == token.authorization
            refuse_unframed(request)
            unit = fetched if kept else csrf_unit(request, route, prepared, token)
            head = complete(prepared, token.authorization, unit, body, method, trace=account.trace)
            outcome = await attempt(route, Outgoing(method, head, body), request.sender, account)
            refuse_unframed(request, outcome)
            finding = await find(outcome, request, route, token) if refuses(outcome) else UNREFUSED
            replayable = body.replayable and finding.certain
            decision = verdict(outcome.ending, finding.refusal, spent, method=method, replayable=replayable)
            match decision, outcome:
                case (Verdict.RELAY, Answered() as answer):
                    return await relay(request, route, answer, unit, account)
                case (Verdict.RENEW_TOKEN, Answered() as answer):
                    answer.discard()
                    refused = token
                case (Verdict.FETCH_CSRF, Answered() as answer):
                    fetch = another_unit(route, prepared, unit, token.authorization, request.sender)
                    fetched = await awaited_unit(fetch, answer, account)
                    if fetched is None:
                        return await relay(request, route, answer, unit, account)
                    answer.discard()
                case (Verdict.FETCH_CSRF_FOR_NEXT, Answered() as answer):
                    if not prepared.cookies:  # else the next one does the handshake within its own session
                        fetch = another_unit(route, prepared, unit, token.authorization, request.sender)
                        await awaited_unit(fetch, answer, account)
                    return await relay(request, route, answer, unit, account)
                case (_, Answered() as answer):
                    return await relay(request, route, answer, unit, account)
                case (Verdict.FAIL, Failed(failure=failure)):
                    raise failure
            spent |= {decision}
            account.replayed(decision)
    finally:
        body.close()


async def awaited_token(request: Request, route: Route, refused: Token | None, account: Account) -> Token:
    """A token from the one grant in flight, other than the one that was refused.

    SenderLeft if the sender has ended its side meanwhile: it has lost patience, and would send its message again.
    """
    account.begin_token()
    try:
        token = await route.source.token(refused)
    finally:
        account.end_token()
    if request.sender.half_closed:
        raise SenderLeft
    return token


def refuse_unframed(request: Request, outcome: Outcome | None = None) -> None:
    """LengthRequired if octets came behind a request that speaks of none, whether or not it was delivered without them.

    The sender is not told of a success that is none; what the upstream says to an empty message would be one.
    """
    body = request.body
    if body.failure is not None and body.ended:
        if isinstance(outcome, Answered):
            outcome.discard()
        raise body.failure


async def awaited_unit(fetch: Awaitable[CsrfUnit | None], answer: Answered, account: Account) -> CsrfUnit | None:
    """Another CSRF unit, if the upstream gives one; what that took is time to the first octet of the answer."""
    try:
        return await fetch
    except BaseException:
        answer.discard()
        raise
    finally:
        account.answered()


def csrf_unit(request: Request, route: Route, prepared: Prepared, token: Token) -> CsrfUnit | None:
    """The CSRF unit to send along: where there is one, for methods that need it.

    A sender that has a CSRF token, or a session of its own, keeps it.
    """
    unit = route.csrf.unit(token.authorization)
    if unit is None or prepared.cookies or request.head.method in SAFE or request.head.fields.has(b"x-csrf-token"):
        return None
    return unit


def tell(request: Request, house: House, error: ProxyError) -> None:
    """Gives the sender an answer of ours; unless the whole request is there, the connection ends with it."""
    sender = request.sender
    if not request.body.ended:
        sender.close_after()
    close = not sender.persistent()
    method, now = request.head.method, house.wall()
    sender.send(problem(error, name=house.name, request_id=request.id, method=method, close=close, now=now))
