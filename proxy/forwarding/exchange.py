"""The life of an exchange, in order: route, admission, request, limits, body, token, attempts, relay, record."""

from typing import Final

from proxy.config.outbox import KEPT_METHODS
from proxy.errors import ProxyError, SenderLeft
from proxy.forwarding.admission import admit
from proxy.forwarding.answers import problem
from proxy.forwarding.attempt import AttemptFailed, AttemptResult, Begin, UpstreamAnswer, attempt, log_attempt
from proxy.forwarding.body import Body, BufferedBody, body_in_memory, collect, length_of
from proxy.forwarding.context import ExchangeContext
from proxy.forwarding.csrf import scheme
from proxy.forwarding.csrf.fetch import another_unit, unit_for
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.prepared_request import PreparedRequest, prepare
from proxy.forwarding.recording import begin_recording, record_problem
from proxy.forwarding.refusal import examine_refusal, may_refuse
from proxy.forwarding.relay import relay, relay_body
from proxy.forwarding.request import Recipient, Request
from proxy.forwarding.routes import Route
from proxy.forwarding.sender_address import sender_address
from proxy.forwarding.verdict import RELAY, Verdict, verdict
from proxy.oauth.token import Token
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.exchange_steps import ExchangeSteps
from proxy.upstream.request import UpstreamRequest

NO_BODY: Final = BufferedBody(b"")
UNSPENT: Final[frozenset[Verdict]] = frozenset()
NO_TOKEN: Final[Token | None] = None
NO_UNIT: Final[CsrfUnit | None] = None


async def exchange(request: Request, context: ExchangeContext) -> None:
    """Serves one request and closes its record, whatever happens."""
    record = ExchangeRecord(request.id, request.head.method, request.target.path)
    record.sender, record.client_certificate = request.sender.address, request.sender.subject
    if context.log.level == "debug":
        record.steps = ExchangeSteps(context.log.logger, request.id)
    for beginning in context.beginning:
        beginning.began(record, request.head, secure=request.sender.secure)
    try:
        await deliver(request, context, record)
    except ProxyError as error:
        error.__traceback__ = None  # its frames refer to the body, and the error is kept
        record.failed(error)
        octets = send_problem(request, context, error)
        if record.recording is not None:
            record_problem(record.recording, octets)
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
    """Runs from the head of a request to the relayed answer. Raises a ProxyError for the sender."""
    address = sender_address(request.sender.address, request.head, context.trusted_proxies)
    record.sender = address
    route = admit(request, address, context.routes, context.own_names)
    record.routed(route.name, route.oauth_client, route.upstream_url)
    if context.recorded:
        begin_recording(request, route, context.recorded, record)
    if route.authenticator is not None:
        record.authenticated(await route.authenticator.authenticate(request, address))
    if route.outbox is not None and request.head.method in KEPT_METHODS:
        await route.outbox.accept(request, address, record, context.spool)
        return
    prepared = prepare(request, address, route, record.trace)
    if route.limits is not None:
        await route.limits.acquire(request.head, request.body, request.sender, address)
    body: Body = NO_BODY
    try:
        body = body_in_memory(request.body, route.memory_limit) or await collect(request.body, route, context.spool)
        answer, unit = await obtain_answer(route, prepared, body, request.sender, record)
        if isinstance(answer, AttemptFailed):
            raise answer.failure
        try:
            refuse_overrun(body)
            framing = relay(request, route, answer, unit, record)
            if framing is not None:
                await relay_body(request, answer, framing, record)
        finally:
            answer.discard()
    finally:
        body.close()
        if route.limits is not None:
            route.limits.release()


async def obtain_answer(
    route: Route,
    prepared: PreparedRequest,
    body: Body,
    recipient: Recipient,
    record: ExchangeRecord,
    *,
    begin: Begin | None = None,
) -> tuple[AttemptResult, CsrfUnit | None]:
    """Makes attempts until there is an answer to relay, or none can be had.

    Returns the result of the last attempt, with the CSRF unit of its request, if any.
    """
    spent, refused, fetched = UNSPENT, NO_TOKEN, NO_UNIT
    while True:
        token = route.source.ready(refused) or await wait_for_token(route, refused, recipient, record)
        record.have_token(renewed=refused is not None)
        refuse_overrun(body)
        unit = unit_for(route, prepared, token.authorization, fetched)
        request = with_credentials(prepared, token, unit, length_of(body, prepared.method))
        result = await attempt(route, request, body, recipient, record, patience=route.timeout, begin=begin)
        outcome, again = (
            await examine_refusal(result, prepared, route, token) if may_refuse(result) else (result.outcome, True)
        )
        decision = verdict(outcome, spent, idempotent=prepared.idempotent, replayable=again and body.replayable)
        log_attempt(record, result, decision)
        if decision is RELAY and isinstance(result, UpstreamAnswer):
            return result, unit
        match decision, result:
            case Verdict.FAIL, AttemptFailed():
                return result, unit
            case Verdict.RENEW_TOKEN, UpstreamAnswer() as answer:
                refused = token
                answer.discard()
            case Verdict.FETCH_CSRF, UpstreamAnswer() as answer:
                fetched = await fetch_unit(route, prepared, token, unit, recipient, answer=answer, record=record)
                if fetched is None:
                    return answer, unit
                answer.discard()
            case Verdict.FETCH_CSRF_FOR_NEXT, UpstreamAnswer() as answer:
                if not prepared.cookies:
                    await fetch_unit(route, prepared, token, unit, recipient, answer=answer, record=record)
                return answer, unit
            case Verdict.RECONNECT, AttemptFailed():
                pass
            case _:
                raise AssertionError(decision)
        spent |= {decision}
        record.replayed(decision)


def with_credentials(prepared: PreparedRequest, token: Token, unit: CsrfUnit | None, length: int) -> UpstreamRequest:
    """Adds to the prepared request our token, and the unit or else the sender's cookies."""
    fields = [*prepared.fields, b"Authorization: " + token.authorization]
    if unit is not None:
        fields += scheme.field_lines(unit)
    elif prepared.cookies:
        fields.append(b"Cookie: " + prepared.cookies)
    return UpstreamRequest(prepared.method, prepared.target, prepared.authority, fields, length)


async def wait_for_token(route: Route, refused: Token | None, recipient: Recipient, record: ExchangeRecord) -> Token:
    """Returns a token other than the refused one, from the grant that all exchanges wait for.

    Raises SenderLeft if the sender has ended its side meanwhile, because it would send its message again.
    """
    record.begin_token()
    try:
        token = await route.source.token(refused)
    finally:
        record.end_token()
    if recipient.half_closed:
        raise SenderLeft
    return token


async def fetch_unit(
    route: Route,
    prepared: PreparedRequest,
    token: Token,
    failed: CsrfUnit | None,
    recipient: Recipient,
    *,
    answer: UpstreamAnswer,
    record: ExchangeRecord,
) -> CsrfUnit | None:
    """Returns a CSRF unit other than the failed one, or None. The time is added to `first_byte_seconds`."""
    try:
        return await another_unit(route, prepared, failed, token.authorization, recipient, record=record)
    except BaseException:
        answer.discard()
        raise
    finally:
        record.answered()


def refuse_overrun(body: Body) -> None:
    """Raises LengthRequired if bytes followed a request without a length, even if it was already delivered.

    The upstream's success would be about an empty message.
    """
    failure = body.overrun
    if failure is not None:
        raise failure


def send_problem(request: Request, context: ExchangeContext, error: ProxyError) -> bytes:
    """Sends the sender an answer of ours, and returns it.

    Unless the whole request has arrived, the connection ends with it.
    """
    sender = request.sender
    if not request.body.ended:
        sender.close_after()
    close = not sender.persistent()
    method, now = request.head.method, context.wall()
    octets = problem(error, name=context.name, request_id=request.id, method=method, close=close, now=now)
    sender.send(octets)
    return octets
