"""What to do after an attempt: one pure function with the whole table in it."""

from enum import Enum, StrEnum, auto
from typing import Final, assert_never

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"RFC 9110 §9.2.2."


class Ending(Enum):
    """How an attempt ended."""

    ANSWERED = auto()
    "A response that is the sender's, whatever its status."
    TOKEN_REFUSED = auto()
    "A response that refuses our token, before a flow ran; there is, or can be, another token."
    CSRF_REQUIRED = auto()
    "A response that demands a CSRF token, before a flow ran; fetching one is up to us."
    UNSENT = auto()
    "No connection, or one found closed, before an octet of the request was written."
    UNREACHABLE = auto()
    "No connection, and another try would fare no better."
    LOST = auto()
    "Closed after octets were written and before one of a response."
    BROKEN = auto()
    "The answer began and cannot be read, or it did not come in time."


ANSWERED: Final = Ending.ANSWERED  # CPython 3.11 looks up an enum's member in 0.1 µs
TOKEN_REFUSED: Final = Ending.TOKEN_REFUSED
CSRF_REQUIRED: Final = Ending.CSRF_REQUIRED
UNSENT: Final = Ending.UNSENT
UNREACHABLE: Final = Ending.UNREACHABLE
LOST: Final = Ending.LOST
BROKEN: Final = Ending.BROKEN


class Verdict(StrEnum):
    """What happens next."""

    RELAY = "relay"
    RENEW_TOKEN = "renew_token"  # noqa: S105 - a verdict
    FETCH_CSRF = "fetch_csrf"
    FETCH_CSRF_FOR_NEXT = "fetch_csrf_for_next"
    "Relay the refusal, for the body is gone; but have a CSRF token when the sender tries again."
    RECONNECT = "reconnect"
    FAIL = "fail"


RELAY: Final = Verdict.RELAY


def verdict(ending: Ending, spent: frozenset[Verdict], *, method: str, replayable: bool) -> Verdict:
    """What to do after an attempt.

    `spent` holds the earlier verdicts of the exchange: each kind of second chance exists once. `replayable` tells
    whether the message can be sent once more: its body from the first octet, and no flow has processed it.
    """
    match ending:
        case Ending.TOKEN_REFUSED if replayable and Verdict.RENEW_TOKEN not in spent:
            return Verdict.RENEW_TOKEN
        case Ending.CSRF_REQUIRED if Verdict.FETCH_CSRF not in spent:
            return Verdict.FETCH_CSRF if replayable else Verdict.FETCH_CSRF_FOR_NEXT
        case Ending.ANSWERED | Ending.TOKEN_REFUSED | Ending.CSRF_REQUIRED:
            return RELAY
        case Ending.UNSENT:
            return Verdict.FAIL if Verdict.RECONNECT in spent else Verdict.RECONNECT
        case Ending.LOST:
            again = method in IDEMPOTENT and replayable and Verdict.RECONNECT not in spent
            return Verdict.RECONNECT if again else Verdict.FAIL
        case Ending.BROKEN | Ending.UNREACHABLE:
            return Verdict.FAIL
        case _:
            assert_never(ending)
