"""The verdict after an attempt, as one table."""

from dataclasses import dataclass
from itertools import chain, combinations, product

import pytest

from proxy.forwarding.verdict import IDEMPOTENT, AttemptOutcome, Verdict, verdict

CHANCES = (Verdict.RENEW_TOKEN, Verdict.FETCH_CSRF, Verdict.RECONNECT)
SPENT = [frozenset(each) for each in chain.from_iterable(combinations(CHANCES, size) for size in range(4))]
METHODS = {"GET": True, "HEAD": True, "OPTIONS": True, "PUT": True, "DELETE": True, "TRACE": True} | dict.fromkeys(
    ("POST", "PATCH", "PROPFIND", "get", ""), False
)
"Whether a method is idempotent (RFC 9110 §9.2.2)."


@dataclass(frozen=True)
class Row:
    """The verdicts after one outcome."""

    chance: Verdict
    spent: Verdict
    "Where the chance has been used."
    gone: Verdict | None = None
    "Where the body cannot be sent again, if that matters."
    idempotent: bool = False
    "Whether the chance is for idempotent methods only."


ROWS = {
    AttemptOutcome.ANSWERED: Row(Verdict.RELAY, Verdict.RELAY),
    AttemptOutcome.TOKEN_REFUSED: Row(Verdict.RENEW_TOKEN, Verdict.RELAY, gone=Verdict.RELAY),
    AttemptOutcome.CSRF_REQUIRED: Row(Verdict.FETCH_CSRF, Verdict.RELAY, gone=Verdict.FETCH_CSRF_FOR_NEXT),
    AttemptOutcome.UNSENT: Row(Verdict.RECONNECT, Verdict.FAIL),
    AttemptOutcome.UNREACHABLE: Row(Verdict.FAIL, Verdict.FAIL),
    AttemptOutcome.LOST: Row(Verdict.RECONNECT, Verdict.FAIL, gone=Verdict.FAIL, idempotent=True),
    AttemptOutcome.BROKEN: Row(Verdict.FAIL, Verdict.FAIL),
}


def expected(outcome: AttemptOutcome, spent: frozenset[Verdict], method: str, *, replayable: bool) -> Verdict:
    """Returns the verdict of the row."""
    row = ROWS[outcome]
    if row.chance in spent or (row.idempotent and not METHODS[method]):
        return row.spent
    return row.chance if replayable or row.gone is None else row.gone


def test_the_whole_table() -> None:
    """Each combination has the verdict of its row."""
    cases = list(product(AttemptOutcome, SPENT, METHODS, (True, False)))
    assert len(cases) == 7 * 8 * 11 * 2

    for outcome, spent, method, replayable in cases:
        decided = verdict(outcome, spent, idempotent=METHODS[method], replayable=replayable)
        assert decided is expected(outcome, spent, method, replayable=replayable), (outcome, spent, method, replayable)


def test_a_post_is_never_sent_twice_when_the_first_may_have_arrived() -> None:
    """For each method that is not idempotent."""
    for method, spent, replayable in product(("POST", "PATCH"), SPENT, (True, False)):
        for outcome in (AttemptOutcome.LOST, AttemptOutcome.BROKEN):
            assert verdict(outcome, spent, idempotent=METHODS[method], replayable=replayable) is Verdict.FAIL


def test_each_exchange_ends_after_at_most_one_of_each_second_chance() -> None:
    """There are at most four attempts."""
    for outcome in AttemptOutcome:
        spent: frozenset[Verdict] = frozenset()
        for _ in range(4):
            decided = verdict(outcome, spent, idempotent=True, replayable=True)
            if decided in (Verdict.RELAY, Verdict.FAIL):
                break
            assert decided not in spent
            spent |= {decided}
        else:
            pytest.fail("a fifth attempt")


def test_the_idempotent_methods_are_those_of_the_rfc() -> None:
    """RFC 9110 §9.2.2 lists them."""
    assert {method for method, is_idempotent in METHODS.items() if is_idempotent} == IDEMPOTENT
