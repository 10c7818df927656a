"""Detects answers that refuse our credentials.

The tenant refuses a token before a flow runs, but a flow may send the same status. A flow that ran has a message
processing log, and its answer has the id. If that message were sent again, it would be processed twice.
"""

import zlib
from typing import TypeGuard

from proxy.config.model import Csrf
from proxy.cpi.mpl import ids_in_fields, mpl_id_in_failure
from proxy.forwarding.attempt import AttemptResult, UpstreamAnswer
from proxy.forwarding.csrf import scheme
from proxy.forwarding.prepared_request import PreparedRequest
from proxy.forwarding.routes import Route
from proxy.forwarding.verdict import ANSWERED, CSRF_REQUIRED, TOKEN_REFUSED, AttemptOutcome
from proxy.oauth.token import Token
from proxy.wire.body import HIGH_WATER
from proxy.wire.grammar import Fields, ResponseHead


def may_refuse(result: AttemptResult) -> TypeGuard[UpstreamAnswer]:
    """Whether the status may mean that our credentials are refused; `examine_refusal` decides."""
    return isinstance(result, UpstreamAnswer) and result.head.status in (401, 403)


async def examine_refusal(
    answer: UpstreamAnswer, prepared: PreparedRequest, route: Route, token: Token
) -> tuple[AttemptOutcome, bool]:
    """Returns (the outcome, whether the message may be sent again), and invalidates a refused token.

    The second value counts only for a refusal: True if it is certain that no flow has processed the message.
    """
    head = answer.head
    ours = route.settings.csrf is Csrf.AUTO and not prepared.has_csrf_token
    outcome = outcome_of(head, csrf_is_ours=ours, retry_on_403=route.settings.retry_on_403)
    if outcome is ANSWERED or ids_in_fields(head.fields)[0]:
        return ANSWERED, True
    try:
        beginning = await answer.body.beginning(HIGH_WATER)
    except BaseException:
        answer.discard()
        raise
    text, is_whole = decoded(head.fields, beginning)
    if mpl_id_in_failure(text):
        return ANSWERED, True
    if outcome is TOKEN_REFUSED and not route.source.invalidate(token):
        return ANSWERED, True
    return outcome, is_whole and answer.body.ended


def outcome_of(head: ResponseHead, *, csrf_is_ours: bool, retry_on_403: bool) -> AttemptOutcome:
    """Returns the outcome by the head of an answer alone."""
    if scheme.asked_for(head):
        return CSRF_REQUIRED if csrf_is_ours else ANSWERED
    if head.status == 401 or (head.status == 403 and retry_on_403):
        return TOKEN_REFUSED
    return ANSWERED


def decoded(fields: Fields, octets: bytes) -> tuple[bytes, bool]:
    """Returns (the text of an answer as far as it can be decoded, whether that is all of it)."""
    match fields.value(b"content-encoding").lower():
        case b"" | b"identity":
            return octets, True
        case b"gzip" | b"x-gzip" | b"deflate":
            unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                return unpacking.decompress(octets, HIGH_WATER), unpacking.eof or not octets
            except zlib.error:
                return b"", False
        case _:
            return b"", not octets
