"""What to do after an attempt: one pure function with the whole table in it."""

from enum import Enum, StrEnum, auto
from typing import assert_never

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"RFC 9110 §9.2.2."


class Ending(Enum):
    """How an attempt ended."""

    ANSWERED = auto()
    "A response head came."
    UNSENT = auto()
    "No connection, or one found closed, before an octet of the request was written."
    REFUSED = auto()
    "No connection, and another try would fare no better."
    LOST = auto()
    "Closed after octets were written and before one of a response."
    BROKEN = auto()
    "The answer began and cannot be read, or it did not come in time."


class Refusal(Enum):
    """What an answer says about our credentials."""

    NONE = auto()
    TOKEN = auto()
    "The token does not work, and there is, or can be, another one."
    CSRF = auto()
    "A CSRF token is required, and fetching one is up to us."


NO_REFUSAL = Refusal.NONE
"Of nearly all answers; CPython 3.11 looks up an enum's member in 0.1 µs."


class Verdict(StrEnum):
    """What happens next."""

    RELAY = "relay"
    RENEW_TOKEN = "renew_token"  # noqa: S105 - a verdict
    FETCH_CSRF = "fetch_csrf"
    FETCH_CSRF_FOR_NEXT = "fetch_csrf_for_next"
    "Relay the refusal, for the body is gone; but have a CSRF token when the sender tries again."
    RECONNECT = "reconnect"
    FAIL = "fail"


def verdict(ending: Ending, refusal: Refusal, spent: frozenset[Verdict], *, method: str, replayable: bool) -> Verdict:
    """What to do after an attempt.

    `spent` holds the earlier verdicts of the exchange: each kind of second chance exists once. `replayable` tells
    whether the body can be sent once more from its first octet.
    """
    match ending:
        case Ending.ANSWERED:
            return Verdict.RELAY if refusal is NO_REFUSAL else _after(refusal, spent, replayable=replayable)
        case Ending.UNSENT:
            return Verdict.FAIL if Verdict.RECONNECT in spent else Verdict.RECONNECT
        case Ending.LOST:
            again = method in IDEMPOTENT and replayable and Verdict.RECONNECT not in spent
            return Verdict.RECONNECT if again else Verdict.FAIL
        case Ending.BROKEN | Ending.REFUSED:
            return Verdict.FAIL
        case _:
            assert_never(ending)


def _after(refusal: Refusal, spent: frozenset[Verdict], *, replayable: bool) -> Verdict:
    """What to do after an answer that refuses our credentials."""
    if refusal is Refusal.TOKEN and replayable and Verdict.RENEW_TOKEN not in spent:
        return Verdict.RENEW_TOKEN
    if refusal is Refusal.CSRF and Verdict.FETCH_CSRF not in spent:
        return Verdict.FETCH_CSRF if replayable else Verdict.FETCH_CSRF_FOR_NEXT
    return Verdict.RELAY
