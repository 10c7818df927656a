"""Whether an answer refuses our credentials: the gate does so before a flow runs, but a flow may answer the same.

A flow that ran has a message processing log, and its answer says so. Sent again, the message would be processed twice.
"""

import zlib
from typing import NamedTuple, TypeGuard

from proxy.config.model import Csrf
from proxy.config.model import Route as Settings
from proxy.cpi.mpl import ids_in_fields, mpl_id_in_failure
from proxy.forwarding.attempt import Answered, Outcome
from proxy.forwarding.csrf import required
from proxy.forwarding.request import Request
from proxy.forwarding.routes import Route
from proxy.forwarding.verdict import NO_REFUSAL, Refusal
from proxy.oauth.token import Token
from proxy.wire.body import HIGH_WATER
from proxy.wire.grammar import Fields, ResponseHead


class Finding(NamedTuple):
    """What an answer says, and how sure that is."""

    refusal: Refusal
    certain: bool
    "Whether it is known that no flow ran; else the message is not sent again."


UNREFUSED = Finding(NO_REFUSAL, certain=True)


def refuses(outcome: Outcome) -> TypeGuard[Answered]:
    """Whether an answer may refuse our credentials; most do not."""
    return isinstance(outcome, Answered) and outcome.head.status in (401, 403)


async def find(answer: Answered, request: Request, route: Route, token: Token) -> Finding:
    """What an answer says about our credentials; a token that failed is renewed, unless it is too young."""
    fields = answer.head.fields
    refusal = refusal_of(answer.head, request, route.settings)
    if refusal is NO_REFUSAL or ids_in_fields(fields)[0]:
        return UNREFUSED
    text, whole = plain(fields, await answer.body.beginning(HIGH_WATER))
    if mpl_id_in_failure(text):
        return UNREFUSED
    if refusal is Refusal.TOKEN and not route.source.invalidate(token):
        return UNREFUSED
    return Finding(refusal, certain=whole and answer.body.ended)


def refusal_of(head: ResponseHead, request: Request, settings: Settings) -> Refusal:
    """What the head of an answer says, whoever gave it."""
    if head.status == 403 and required(head.fields.value(b"x-csrf-token")):
        ours = settings.csrf is Csrf.AUTO and not request.head.fields.has(b"x-csrf-token")
        return Refusal.CSRF if ours else Refusal.NONE
    if head.status == 401 or (head.status == 403 and settings.retry_on_403):
        return Refusal.TOKEN
    return Refusal.NONE


def plain(fields: Fields, octets: bytes) -> tuple[bytes, bool]:
    """(the text of an answer as far as it can be read, whether that is all of it)."""
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
