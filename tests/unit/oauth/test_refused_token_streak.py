"""Noticing that tokens do not live."""

from proxy.oauth.refused_token_streak import CONTESTED, KEPT, RefusedTokenStreak
from proxy.oauth.token import Moment, Token

NOW = Moment(monotonic=100.0, wall=1_800_000_000.0)


def token(lifetime: float = 3600.0) -> Token:
    """Make a token obtained at NOW."""
    return Token(authorization=b"Bearer t", obtained=NOW, fresh_until=NOW, expires=NOW.after(lifetime))


def test_the_third_token_in_a_row_that_is_refused_soon_is_a_contest() -> None:
    """And the row begins anew."""
    contest = RefusedTokenStreak()
    assert [contest.refused(token(), NOW.after(20)) for _ in range(7)] == [None, None, CONTESTED] * 2 + [None]


def test_a_token_that_is_refused_at_once_is_kept_and_told_once() -> None:
    """Whoever reads the log learns why nothing is renewed."""
    contest, one = RefusedTokenStreak(), token()
    assert [contest.refused(one, NOW.after(9.9)) for _ in range(3)] == [KEPT, None, None]


def test_one_token_counts_once() -> None:
    """However many exchanges saw it refused."""
    contest, one = RefusedTokenStreak(), token()
    assert not any(contest.refused(one, NOW.after(20)) for _ in range(10))


def test_a_token_that_had_a_life_ends_the_row() -> None:
    """Ten minutes, or a fifth of its lifetime."""
    contest = RefusedTokenStreak()
    seconds = [20, 20, 601, 20, 20, 20]
    assert [contest.refused(token(), NOW.after(each)) for each in seconds] == [None] * 5 + [CONTESTED]
    assert [contest.refused(token(100), NOW.after(21)) for _ in range(5)] == [None] * 5


def test_a_token_that_nobody_refused_ends_the_row() -> None:
    """One that was replaced because its time had come."""
    contest = RefusedTokenStreak()
    contest.refused(token(), NOW)
    contest.refused(token(), NOW)
    contest.replaced(token())
    assert contest.refused(token(), NOW) is KEPT


def test_replacing_a_refused_token_or_none_does_not_end_the_row() -> None:
    """That is what every renewal after a refusal does."""
    contest, last = RefusedTokenStreak(), token()
    contest.refused(token(), NOW)
    contest.refused(last, NOW)
    contest.replaced(last)
    contest.replaced(None)
    assert contest.refused(token(), NOW) is CONTESTED
