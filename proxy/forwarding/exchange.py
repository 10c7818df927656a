"""The life of an exchange, in order: route, admission, body, token, attempt, verdict, relay; and its account."""

from typing import Final

from proxy.errors import ProxyError, SenderLeft
from proxy.forwarding.admission import admit
from proxy.forwarding.answers import problem
from proxy.forwarding.attempt import Answer, Failed, attempt
from proxy.forwarding.body import Body, BufferedBody, arrived, collect, length_of
from proxy.forwarding.context import ExchangeContext
from proxy.forwarding.csrf import scheme
from proxy.forwarding.csrf.fetch import another_unit, unit_for
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.origin import sender_address
from proxy.forwarding.outgoing import Outgoing, prepare
from proxy.forwarding.refusal import examine, refuses
from proxy.forwarding.relay import relay, stream
from proxy.forwarding.request import Request, Waiting
from proxy.forwarding.routes import Route
from proxy.forwarding.verdict import RELAY, Verdict, verdict
from proxy.oauth.token import Token
from proxy.observe.account import Account
from proxy.upstream.request import UpstreamRequest

NO_BODY: Final = BufferedBody(b"")
UNSPENT: Final[frozenset[Verdict]] = frozenset()
NO_TOKEN: Final[Token | None] = None
NO_UNIT: Final[CsrfUnit | None] = None
Settled = tuple[Answer, CsrfUnit | None]
"What there is to pass on, and the CSRF unit that its request showed."


async def exchange(request: Request, context: ExchangeContext) -> None:
    """Serves one request, whatever happens, and closes its account."""
    account = Account(request.id, request.head.method, request.target.path)
    account.client_certificate = request.sender.subject
    if context.traces is not None:
        context.traces.begin(account, request.head, secure=request.sender.secure)
    try:
        await deliver(request, context, account)
    except ProxyError as error:
        error.__traceback__ = None  # its frames hold the body, and are held by what it is kept in
        account.failed(error)
        tell(request, context, error)
    except SenderLeft as left:
        left.__traceback__ = None
        account.left()
    except Exception:
        account.crashed()
        raise
    finally:
        account.bytes_in = request.body.received
        account.end()
        context.closing(account)


async def deliver(request: Request, context: ExchangeContext, account: Account) -> None:
    """From the head of a request to the relayed answer; ProxyError if the sender gets an answer of ours."""
    address = sender_address(request.sender.address, request.head, context.trusted_proxies)
    route = admit(request, address, context.routes, context.own_names)
    account.routed(route.name, route.oauth_client)
    if route.gate is not None:
        account.admitted(await route.gate.admit(request, address))
    outgoing = prepare(request, address, route, account.trace)
    if route.bounds is not None:
        await route.bounds.enter(request.head, request.body, request.sender, address)
    body: Body = NO_BODY
    try:
        body = arrived(request.body, route.keeps) or await collect(request.body, route, context.spool)
        answer, unit = await settle(route, outgoing, body, request.sender, account)
        try:
            refuse_overrun(body)
            rest = relay(request, route, answer, unit, account)
            if rest is not None:
                await stream(request, answer, rest, account)
        finally:
            answer.discard()
    finally:
        body.close()
        if route.bounds is not None:
            route.bounds.leave()


async def settle(route: Route, outgoing: Outgoing, body: Body, waiting: Waiting, account: Account) -> Settled:
    """An answer to pass on, after as many attempts as the verdicts want; ProxyError if there is none."""
    spent, refused, fetched = UNSPENT, NO_TOKEN, NO_UNIT
    while True:
        token = route.source.ready(refused) or await awaited_token(route, refused, waiting, account)
        account.have_token(renewed=refused is not None)
        refuse_overrun(body)
        unit = unit_for(route, outgoing, token.authorization, fetched)
        request = with_credentials(outgoing, token, unit, length_of(body, outgoing.method))
        outcome = await attempt(route, request, body, waiting, account, patience=route.timeout)
        ending, again = await examine(outcome, outgoing, route, token) if refuses(outcome) else (outcome.ending, True)
        decision = verdict(ending, spent, method=outgoing.method, replayable=again and body.replayable)
        if decision is RELAY and isinstance(outcome, Answer):
            return outcome, unit
        match decision, outcome:
            case Verdict.FAIL, Failed(failure=failure):
                raise failure
            case Verdict.RENEW_TOKEN, Answer() as answer:
                refused = token
                answer.discard()
            case Verdict.FETCH_CSRF, Answer() as answer:
                fetched = await awaited_unit(route, outgoing, token, unit, waiting, answer=answer, account=account)
                if fetched is None:
                    return answer, unit
                answer.discard()
            case Verdict.FETCH_CSRF_FOR_NEXT, Answer() as answer if not outgoing.cookies:
                await awaited_unit(route, outgoing, token, unit, waiting, answer=answer, account=account)
                return answer, unit
            case Verdict.FETCH_CSRF_FOR_NEXT, Answer() as answer:
                return answer, unit
            case Verdict.RECONNECT, Failed():
                pass
            case _:
                raise AssertionError(decision)
        spent |= {decision}
        account.replayed(decision)


def with_credentials(outgoing: Outgoing, token: Token, unit: CsrfUnit | None, length: int) -> UpstreamRequest:
    """The request of one attempt."""
    fields = [*outgoing.fields, b"Authorization: " + token.authorization]
    if unit is not None:
        fields += scheme.shown(unit)
    elif outgoing.cookies:
        fields.append(b"Cookie: " + outgoing.cookies)
    return UpstreamRequest(outgoing.method, outgoing.target, outgoing.authority, fields, length)


async def awaited_token(route: Route, refused: Token | None, waiting: Waiting, account: Account) -> Token:
    """A token from the one grant in flight, other than the one that was refused.

    SenderLeft if the sender has ended its side meanwhile: it has lost patience, and would send its message again.
    """
    account.begin_token()
    try:
        token = await route.source.token(refused)
    finally:
        account.end_token()
    if waiting.half_closed:
        raise SenderLeft
    return token


async def awaited_unit(
    route: Route,
    outgoing: Outgoing,
    token: Token,
    failed: CsrfUnit | None,
    waiting: Waiting,
    *,
    answer: Answer,
    account: Account,
) -> CsrfUnit | None:
    """A CSRF unit other than the one that failed, if the upstream gives one; it takes time to the first octet."""
    try:
        return await another_unit(route, outgoing, failed, token.authorization, waiting)
    except BaseException:
        answer.discard()
        raise
    finally:
        account.answered()


def refuse_overrun(body: Body) -> None:
    """LengthRequired if octets came behind a request that speaks of none, whether or not it was delivered without them.

    The sender is not told of a success that is none; what the upstream says to an empty message would be one.
    """
    failure = body.overrun
    if failure is not None:
        raise failure


def tell(request: Request, context: ExchangeContext, error: ProxyError) -> None:
    """Gives the sender an answer of ours; unless the whole request is there, the connection ends with it."""
    sender = request.sender
    if not request.body.ended:
        sender.close_after()
    close = not sender.persistent()
    method, now = request.head.method, context.wall()
    sender.send(problem(error, name=context.name, request_id=request.id, method=method, close=close, now=now))
