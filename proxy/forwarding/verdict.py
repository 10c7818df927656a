"""Decides what follows an attempt: one pure function with the whole table."""

from enum import Enum, StrEnum, auto
from typing import Final, assert_never

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"RFC 9110 §9.2.2."


class AttemptOutcome(Enum):
    """How an attempt ended."""

    ANSWERED = auto()
    "An answer to relay, whatever its status."
    TOKEN_REFUSED = auto()
    "An answer that refuses our token before a flow ran. Another token exists or can be requested."
    CSRF_REQUIRED = auto()
    "An answer that requires a CSRF token before a flow ran. The proxy fetches it."
    UNSENT = auto()
    "No connection, or a closed one, before a byte of the request was written."
    UNREACHABLE = auto()
    "No connection, and trying again would not help."
    LOST = auto()
    "Closed after bytes were written and before a byte of an answer arrived."
    BROKEN = auto()
    "The answer is malformed, or did not arrive in time."


ANSWERED: Final = AttemptOutcome.ANSWERED  # CPython 3.11 looks up an enum's member in 0.1 µs
TOKEN_REFUSED: Final = AttemptOutcome.TOKEN_REFUSED
CSRF_REQUIRED: Final = AttemptOutcome.CSRF_REQUIRED
UNSENT: Final = AttemptOutcome.UNSENT
UNREACHABLE: Final = AttemptOutcome.UNREACHABLE
LOST: Final = AttemptOutcome.LOST
BROKEN: Final = AttemptOutcome.BROKEN


class Verdict(StrEnum):
    """What the exchange does after an attempt."""

    RELAY = "relay"
    RENEW_TOKEN = "renew_token"  # noqa: S105 - a verdict
    FETCH_CSRF = "fetch_csrf"
    FETCH_CSRF_FOR_NEXT = "fetch_csrf_for_next"
    "Relay the refusal, because the body is gone, and fetch a CSRF token for the sender's next attempt."
    RECONNECT = "reconnect"
    FAIL = "fail"


RELAY: Final = Verdict.RELAY


def verdict(outcome: AttemptOutcome, spent: frozenset[Verdict], *, idempotent: bool, replayable: bool) -> Verdict:
    """Returns the next step.

    `spent` has the earlier verdicts of the exchange, because each kind of retry is allowed once. `idempotent` is
    whether a request that may have arrived may be sent once more. `replayable` is whether the message can be sent
    again: its body is available from its start, and no flow has processed it.
    """
    match outcome:
        case AttemptOutcome.TOKEN_REFUSED if replayable and Verdict.RENEW_TOKEN not in spent:
            return Verdict.RENEW_TOKEN
        case AttemptOutcome.CSRF_REQUIRED if Verdict.FETCH_CSRF not in spent:
            return Verdict.FETCH_CSRF if replayable else Verdict.FETCH_CSRF_FOR_NEXT
        case AttemptOutcome.ANSWERED | AttemptOutcome.TOKEN_REFUSED | AttemptOutcome.CSRF_REQUIRED:
            return RELAY
        case AttemptOutcome.UNSENT:
            return Verdict.FAIL if Verdict.RECONNECT in spent else Verdict.RECONNECT
        case AttemptOutcome.LOST:
            again = idempotent and replayable and Verdict.RECONNECT not in spent
            return Verdict.RECONNECT if again else Verdict.FAIL
        case AttemptOutcome.BROKEN | AttemptOutcome.UNREACHABLE:
            return Verdict.FAIL
        case _:
            assert_never(outcome)
