"""The life of an exchange, in order: route, admission, body, token, attempt, verdict, relay; and its account."""

from typing import Final

from proxy.errors import ProxyError, SenderLeft
from proxy.forwarding.admission import admit
from proxy.forwarding.answers import problem
from proxy.forwarding.attempt import AttemptFailed, UpstreamAnswer, attempt
from proxy.forwarding.body import Body, BufferedBody, arrived, collect, length_of
from proxy.forwarding.context import ExchangeContext
from proxy.forwarding.csrf import scheme
from proxy.forwarding.csrf.fetch import another_unit, unit_for
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.outgoing import Outgoing, prepare
from proxy.forwarding.refusal import examine, refuses
from proxy.forwarding.relay import relay, stream
from proxy.forwarding.request import Request, Waiting
from proxy.forwarding.routes import Route
from proxy.forwarding.sender_address import sender_address
from proxy.forwarding.verdict import RELAY, Verdict, verdict
from proxy.oauth.token import Token
from proxy.observe.exchange_record import ExchangeRecord
from proxy.upstream.request import UpstreamRequest

NO_BODY: Final = BufferedBody(b"")
UNSPENT: Final[frozenset[Verdict]] = frozenset()
NO_TOKEN: Final[Token | None] = None
NO_UNIT: Final[CsrfUnit | None] = None
Settled = tuple[UpstreamAnswer, CsrfUnit | None]
"What there is to pass on, and the CSRF unit that its request showed."


async def exchange(request: Request, context: ExchangeContext) -> None:
    """Serves one request, whatever happens, and closes its account."""
    record = ExchangeRecord(request.id, request.head.method, request.target.path)
    record.client_certificate = request.sender.subject
    for beginning in context.beginning:
        beginning.began(record, request.head, secure=request.sender.secure)
    try:
        await deliver(request, context, record)
    except ProxyError as error:
        error.__traceback__ = None  # its frames hold the body, and are held by what it is kept in
        record.failed(error)
        tell(request, context, error)
    except SenderLeft as left:
        left.__traceback__ = None
        record.left()
    except Exception:
        record.crashed()
        raise
    finally:
        record.bytes_in = request.body.received
        record.end()
        for finishing in context.finishing:
            finishing.finished(record)


async def deliver(request: Request, context: ExchangeContext, record: ExchangeRecord) -> None:
    """From the head of a request to the relayed answer; ProxyError if the sender gets an answer of ours."""
    address = sender_address(request.sender.address, request.head, context.trusted_proxies)
    route = admit(request, address, context.routes, context.own_names)
    record.routed(route.name, route.oauth_client)
    if route.gate is not None:
        record.admitted(await route.gate.admit(request, address))
    outgoing = prepare(request, address, route, record.trace)
    if route.bounds is not None:
        await route.bounds.enter(request.head, request.body, request.sender, address)
    body: Body = NO_BODY
    try:
        body = arrived(request.body, route.keeps) or await collect(request.body, route, context.spool)
        answer, unit = await settle(route, outgoing, body, request.sender, record)
        try:
            refuse_overrun(body)
            rest = relay(request, route, answer, unit, record)
            if rest is not None:
                await stream(request, answer, rest, record)
        finally:
            answer.discard()
    finally:
        body.close()
        if route.bounds is not None:
            route.bounds.leave()


async def settle(route: Route, outgoing: Outgoing, body: Body, waiting: Waiting, record: ExchangeRecord) -> Settled:
    """An answer to pass on, after as many attempts as the verdicts want; ProxyError if there is none."""
    spent, refused, fetched = UNSPENT, NO_TOKEN, NO_UNIT
    while True:
        token = route.source.ready(refused) or await awaited_token(route, refused, waiting, record)
        record.have_token(renewed=refused is not None)
        refuse_overrun(body)
        unit = unit_for(route, outgoing, token.authorization, fetched)
        request = with_credentials(outgoing, token, unit, length_of(body, outgoing.method))
        outcome = await attempt(route, request, body, waiting, record, patience=route.timeout)
        ending, again = await examine(outcome, outgoing, route, token) if refuses(outcome) else (outcome.ending, True)
        decision = verdict(ending, spent, method=outgoing.method, replayable=again and body.replayable)
        if decision is RELAY and isinstance(outcome, UpstreamAnswer):
            return outcome, unit
        match decision, outcome:
            case Verdict.FAIL, AttemptFailed(failure=failure):
                raise failure
            case Verdict.RENEW_TOKEN, UpstreamAnswer() as answer:
                refused = token
                answer.discard()
            case Verdict.FETCH_CSRF, UpstreamAnswer() as answer:
                fetched = await awaited_unit(route, outgoing, token, unit, waiting, answer=answer, record=record)
                if fetched is None:
                    return answer, unit
                answer.discard()
            case Verdict.FETCH_CSRF_FOR_NEXT, UpstreamAnswer() as answer if not outgoing.cookies:
                await awaited_unit(route, outgoing, token, unit, waiting, answer=answer, record=record)
                return answer, unit
            case Verdict.FETCH_CSRF_FOR_NEXT, UpstreamAnswer() as answer:
                return answer, unit
            case Verdict.RECONNECT, AttemptFailed():
                pass
            case _:
                raise AssertionError(decision)
        spent |= {decision}
        record.replayed(decision)


def with_credentials(outgoing: Outgoing, token: Token, unit: CsrfUnit | None, length: int) -> UpstreamRequest:
    """The request of one attempt."""
    fields = [*outgoing.fields, b"Authorization: " + token.authorization]
    if unit is not None:
        fields += scheme.shown(unit)
    elif outgoing.cookies:
        fields.append(b"Cookie: " + outgoing.cookies)
    return UpstreamRequest(outgoing.method, outgoing.target, outgoing.authority, fields, length)


async def awaited_token(route: Route, refused: Token | None, waiting: Waiting, record: ExchangeRecord) -> Token:
    """A token from the one grant in flight, other than the one that was refused.

    SenderLeft if the sender has ended its side meanwhile: it has lost patience, and would send its message again.
    """
    record.begin_token()
    try:
        token = await route.source.token(refused)
    finally:
        record.end_token()
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
    answer: UpstreamAnswer,
    record: ExchangeRecord,
) -> CsrfUnit | None:
    """A CSRF unit other than the one that failed, if the upstream gives one; it takes time to the first octet."""
    try:
        return await another_unit(route, outgoing, failed, token.authorization, waiting)
    except BaseException:
        answer.discard()
        raise
    finally:
        record.answered()


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
