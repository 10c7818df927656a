"""What becomes of a message after a delivery, as one table, and what holds whatever happens."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from proxy import errors
from proxy.config.outbox import OutboxSettings
from proxy.errors import AuthorizationServerError, ProxyError
from proxy.forwarding.verdict import AttemptOutcome
from proxy.outbox.message import DeadLetterCode
from proxy.outbox.schedule import (
    LONGEST_RETRY_AFTER,
    Again,
    Dead,
    Delivery,
    DeliveryEnd,
    Done,
    Untouched,
    decide,
    end_after,
    end_before_sending,
    expired,
    pause_after,
)
from tests.cases import cases
from tests.docs.diagnoses import own_answers

LATER = {401, 403, 404, 408, 429, 503}
REFUSED, FLOW_FAILED, UNCERTAIN, EXPIRED = (Dead(code) for code in DeadLetterCode)
NOW, AGE = 1_800_000_000.0, 100_000.0
AGAIN = Again(NOW + 2.5)
"After the pause."


def decided(delivery: Delivery, *, repeatable: bool) -> object:
    """Decides about a young message."""
    return decide(delivery, repeatable=repeatable, pause=2.5, expires_at=NOW + AGE, now=NOW)


def of_status(status: int, *, flow_ran: bool, repeatable: bool) -> object:
    """The table of DESIGN in other words."""
    match status // 100:
        case 2:
            return Done()
        case 1 | 3:
            return REFUSED
        case 4 if status in LATER:
            return (AGAIN if repeatable else FLOW_FAILED) if flow_ran else AGAIN
        case 4:
            return REFUSED
        case 5 if status == 503 and not flow_ran:
            return AGAIN
        case _:
            dead = FLOW_FAILED if status == 500 or flow_ran else UNCERTAIN
            return AGAIN if repeatable else dead


def test_each_status_has_one_fate() -> None:
    """From a flow or from what is in front of it."""
    for status, flow_ran, repeatable in product(range(100, 1000), (True, False), (True, False)):
        delivery = Delivery(end=DeliveryEnd.ANSWERED, status=status, flow_ran=flow_ran)
        expected = of_status(status, flow_ran=flow_ran, repeatable=repeatable)
        assert decided(delivery, repeatable=repeatable) == expected, (status, flow_ran, repeatable)


@cases(
    "status, once, repeatable",
    (200, Done(), Done()),
    (202, Done(), Done()),
    (302, REFUSED, REFUSED),
    (400, REFUSED, REFUSED),
    (401, AGAIN, AGAIN),
    (403, AGAIN, AGAIN),
    (404, AGAIN, AGAIN),
    (405, REFUSED, REFUSED),
    (408, AGAIN, AGAIN),
    (413, REFUSED, REFUSED),
    (415, REFUSED, REFUSED),
    (429, AGAIN, AGAIN),
    (500, FLOW_FAILED, AGAIN),
    (501, UNCERTAIN, AGAIN),
    (502, UNCERTAIN, AGAIN),
    (503, AGAIN, AGAIN),
    (504, UNCERTAIN, AGAIN),
    (505, UNCERTAIN, AGAIN),
)
def test_the_statuses_that_matter(status: int, once: object, repeatable: object) -> None:
    """A fault in the other table shows."""
    delivery = Delivery(end=DeliveryEnd.ANSWERED, status=status)
    assert (decided(delivery, repeatable=False), decided(delivery, repeatable=True)) == (once, repeatable)


@cases(
    "end, once, repeatable",
    (DeliveryEnd.NO_TOKEN, AGAIN, AGAIN),
    (DeliveryEnd.UNSENT, AGAIN, AGAIN),
    (DeliveryEnd.CRASHED, AGAIN, AGAIN),
    (DeliveryEnd.LOST, UNCERTAIN, AGAIN),
    (DeliveryEnd.UNTRIED, Untouched(), Untouched()),
)
def test_each_end_without_an_answer(end: DeliveryEnd, once: object, repeatable: object) -> None:
    """Only what was written may have arrived."""
    assert (decided(Delivery(end=end), repeatable=False), decided(Delivery(end=end), repeatable=True)) == (
        once,
        repeatable,
    )


def test_each_outcome_of_an_attempt_has_an_end() -> None:
    """What was written may have arrived."""
    assert {outcome: end_after(outcome) for outcome in AttemptOutcome} == {
        AttemptOutcome.ANSWERED: DeliveryEnd.ANSWERED,
        AttemptOutcome.TOKEN_REFUSED: DeliveryEnd.ANSWERED,
        AttemptOutcome.CSRF_REQUIRED: DeliveryEnd.ANSWERED,
        AttemptOutcome.UNSENT: DeliveryEnd.UNSENT,
        AttemptOutcome.UNREACHABLE: DeliveryEnd.UNSENT,
        AttemptOutcome.LOST: DeliveryEnd.LOST,
        AttemptOutcome.BROKEN: DeliveryEnd.LOST,
    }


def test_each_error_before_sending_has_an_end() -> None:
    """Ours change nothing."""
    ends = {each: end_before_sending(made(each)) for each in own_answers()}
    assert len(ends) > 30
    for each, end in ends.items():
        no_token = issubclass(each, AuthorizationServerError)
        assert end is (DeliveryEnd.NO_TOKEN if no_token else DeliveryEnd.UNTRIED)
    assert ends[errors.GrantRejected] is DeliveryEnd.NO_TOKEN


def made(kind: type[ProxyError]) -> ProxyError:
    """Makes an error of this class."""
    return kind("detail")


@cases("failures, pause", (0, 5.0), (1, 5.0), (2, 30.0), (3, 120.0), (6, 3600.0), (7, 3600.0), (900, 3600.0))
def test_pauses_follow_the_steps_and_the_last_one_repeats(failures: int, pause: float) -> None:
    """With full jitter: any part of the step."""
    settings = OutboxSettings()
    for jitter in (0.0, 0.25, 1.0):
        assert pause_after(settings, failures=failures, retry_after=None, jitter=jitter) == pause * jitter


@cases(
    "last, retry_after, pause",
    (5.0, 1, 1.0),
    (5.0, 3600, 3600.0),
    (5.0, 3601, 3600.0),
    (7200.0, 7000, 7000.0),
    (7200.0, 9000, 7200.0),
)
def test_a_server_s_retry_after_wins_up_to_an_hour_or_the_last_step(
    last: float, retry_after: int, pause: float
) -> None:
    """Without jitter."""
    settings = OutboxSettings(retries=(last,))
    assert pause_after(settings, failures=1, retry_after=retry_after, jitter=0.1) == pause


def test_a_message_expires_at_its_age_and_not_before() -> None:
    """To the second."""
    assert [expired(NOW, now=NOW + late) for late in (-0.1, 0.0, 1.0)] == [None, EXPIRED, EXPIRED]


def test_another_delivery_that_would_be_too_late_is_the_end_of_the_message() -> None:
    """It expires when its age is over."""
    delivery = Delivery(end=DeliveryEnd.UNSENT)
    decisions = [
        decide(delivery, repeatable=True, pause=60.0, expires_at=NOW + left, now=NOW)
        for left in (61.0, 59.0, 0.0, -1.0)
    ]
    assert decisions == [Again(NOW + 60.0), Again(NOW + 59.0), EXPIRED, EXPIRED]


deliveries = st.builds(
    Delivery,
    end=st.sampled_from(DeliveryEnd),
    status=st.integers(100, 999),
    flow_ran=st.booleans(),
    retry_after=st.none() | st.integers(1, 10_000),
)
settings_of = st.builds(
    OutboxSettings,
    retries=st.lists(st.floats(0.001, 1e6), min_size=1, max_size=8).map(tuple),
    repeatable=st.booleans(),
)


@given(
    delivery=deliveries,
    settings=settings_of,
    failures=st.integers(0, 10_000),
    left=st.floats(-10, 100) | st.floats(-1e6, 1e6),
    jitter=st.floats(0, 1),
)
def test_whatever_happens_the_promises_hold(
    delivery: Delivery, settings: OutboxSettings, failures: int, left: float, jitter: float
) -> None:
    """Nothing is lost, late, early or wrongly repeated."""
    expires_at = NOW + left
    pause = pause_after(settings, failures=failures, retry_after=delivery.retry_after, jitter=jitter)
    decision = decide(delivery, repeatable=settings.repeatable, pause=pause, expires_at=expires_at, now=NOW)
    may_have_arrived = delivery.end is DeliveryEnd.LOST or (
        delivery.end is DeliveryEnd.ANSWERED
        and (delivery.status >= 500 or delivery.flow_ran)
        and (delivery.status != 503 or delivery.flow_ran)
    )
    match decision:
        case Again(at):
            longest = max(LONGEST_RETRY_AFTER, *settings.retries)
            assert NOW <= at <= expires_at
            assert at <= NOW + longest
            assert not may_have_arrived or settings.repeatable
            if delivery.retry_after is not None:
                wanted = min(delivery.retry_after, LONGEST_RETRY_AFTER)
                assert at >= min(NOW + wanted, expires_at)
        case Done():
            assert delivery.end is DeliveryEnd.ANSWERED
            assert delivery.status // 100 == 2
        case Dead(code):
            assert code is not DeadLetterCode.EXPIRED or expires_at <= NOW
        case Untouched():
            assert delivery.end is DeliveryEnd.UNTRIED
