"""Decides what becomes of a message after a delivery: pure functions with the whole table.

| what happened                                             | `repeatable: false`  | `repeatable: true`   |
|-----------------------------------------------------------|----------------------|----------------------|
| 2xx                                                       | done                 | done                 |
| no connection; no token; a fault of ours before it begins | again                | again                |
| 401, 403, 404, 408, 429, 503, and no flow ran             | again                | again                |
| 500; one of these, or another 5xx, with an MPL id         | dead: `flow_failed`  | again                |
| other 5xx                                                 | dead: `uncertain`    | again                |
| lost after it was written, malformed, no answer in time   | dead: `uncertain`    | again                |
| 3xx, other 4xx                                            | dead: `refused`      | dead: `refused`      |

"Again" becomes `expired` at `max_age`. A message that was not sent at all, because the proxy stops or the store fails,
stays as it was.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from proxy.config.outbox import OutboxSettings
from proxy.errors import AuthorizationServerError, ProxyError
from proxy.forwarding.verdict import AttemptOutcome
from proxy.outbox.message import DeadLetterCode

LONGEST_RETRY_AFTER = 3600.0
"Seconds that a server may ask for, unless the last step of `retries` is longer."
_LATER = frozenset({401, 403, 404, 408, 429, 503})
"Statuses with which the tenant refuses a message before a flow runs, and may accept it later."


class DeliveryEnd(Enum):
    """How a delivery ended."""

    ANSWERED = auto()
    NO_TOKEN = auto()
    "The authorization server gave no token, and nothing of the message was sent."
    UNSENT = auto()
    "There was no connection, and nothing of the message was sent."
    LOST = auto()
    "The message was written, or a part of it, and there is no answer that tells what became of it."
    CRASHED = auto()
    "A fault of ours, before anything of the message was sent."
    UNTRIED = auto()
    "The proxy stops, or the store failed, before anything was sent."


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is known of a delivery that has ended."""

    end: DeliveryEnd
    status: int = 0
    "Of the answer, if there is one."
    flow_ran: bool = False
    "Whether a flow has processed the message: its answer has an MPL id."
    retry_after: int | None = None
    "Seconds that the upstream or the authorization server asks for."


@dataclass(frozen=True, slots=True)
class Done:
    """The message is delivered."""


@dataclass(frozen=True, slots=True)
class Again:
    """The message is delivered again at this wall time."""

    at: float


@dataclass(frozen=True, slots=True)
class Dead:
    """The message becomes a dead letter."""

    code: DeadLetterCode


@dataclass(frozen=True, slots=True)
class Untouched:
    """The message stays due as it was."""


Decision = Done | Again | Dead | Untouched


def end_after(outcome: AttemptOutcome) -> DeliveryEnd:
    """Returns how a delivery ended whose last attempt has this outcome."""
    match outcome:
        case AttemptOutcome.ANSWERED | AttemptOutcome.TOKEN_REFUSED | AttemptOutcome.CSRF_REQUIRED:
            return DeliveryEnd.ANSWERED
        case AttemptOutcome.UNSENT | AttemptOutcome.UNREACHABLE:
            return DeliveryEnd.UNSENT
        case AttemptOutcome.LOST | AttemptOutcome.BROKEN:
            return DeliveryEnd.LOST
        case _:
            assert_never(outcome)


def end_before_sending(error: ProxyError) -> DeliveryEnd:
    """Returns how a delivery ended that failed between two attempts, or before the first."""
    return DeliveryEnd.NO_TOKEN if isinstance(error, AuthorizationServerError) else DeliveryEnd.UNTRIED


def decide(delivery: Delivery, *, repeatable: bool, pause: float, expires_at: float, now: float) -> Decision:
    """Returns what becomes of the message.

    `pause` has the seconds until another delivery, if there is to be one: `pause_after`, or for an upstream that is
    away those until its next probe. `now` and `expires_at` are wall times.
    """
    match fate(delivery):
        case Done() | Untouched() as final:
            return final
        case Dead(code) as dead if code is DeadLetterCode.REFUSED or not repeatable:
            return dead
        case _:
            return expired(expires_at, now=now) or Again(min(now + pause, expires_at))


def expired(expires_at: float, *, now: float) -> Dead | None:
    """Returns the end of a message that is too old to be delivered; None if it is not."""
    return Dead(DeadLetterCode.EXPIRED) if now >= expires_at else None


def fate(delivery: Delivery) -> Done | Dead | Untouched | None:
    """Returns what becomes of a message that is not repeatable; None for another delivery."""
    match delivery.end:
        case DeliveryEnd.NO_TOKEN | DeliveryEnd.UNSENT | DeliveryEnd.CRASHED:
            return None
        case DeliveryEnd.LOST:
            return Dead(DeadLetterCode.UNCERTAIN)
        case DeliveryEnd.UNTRIED:
            return Untouched()
        case DeliveryEnd.ANSWERED:
            return fate_of_answer(delivery.status, flow_ran=delivery.flow_ran)
        case _:
            assert_never(delivery.end)


def fate_of_answer(status: int, *, flow_ran: bool) -> Done | Dead | None:
    """Returns what becomes of a message that is not repeatable, after an answer; None for another delivery."""
    if 200 <= status < 300:
        return Done()
    if status in _LATER:
        return Dead(DeadLetterCode.FLOW_FAILED) if flow_ran else None
    if status < 500:
        return Dead(DeadLetterCode.REFUSED)
    if status == 500 or flow_ran:
        return Dead(DeadLetterCode.FLOW_FAILED)
    return Dead(DeadLetterCode.UNCERTAIN)


def pause_after(settings: OutboxSettings, *, failures: int, retry_after: int | None, jitter: float) -> float:
    """Returns the seconds until the next delivery, with full jitter, unless the server has named a time.

    `failures` counts the deliveries that have failed, the last one included: those of the message, or for an upstream
    that is away those of its probes. `jitter` is 0 to 1.
    """
    steps = settings.retries
    if retry_after is not None:
        return min(float(retry_after), longest_retry_after(settings))
    return steps[min(max(failures, 1), len(steps)) - 1] * jitter


def longest_retry_after(settings: OutboxSettings) -> float:
    """Returns the seconds up to which a Retry-After counts."""
    return max(LONGEST_RETRY_AFTER, settings.retries[-1])
