"""Detecting that one token after the other is refused."""

from proxy.oauth.refused_token_streak import CONTESTED, KEPT, RefusedTokenStreak
from proxy.oauth.token import Moment, Token

NOW = Moment(monotonic=100.0, wall=1_800_000_000.0)


def token(lifetime: float = 3600.0) -> Token:
    """A token obtained at NOW."""
    return Token(authorization=b"Bearer t", obtained=NOW, fresh_until=NOW, expires=NOW.after(lifetime))


def test_the_third_token_in_a_row_that_is_refused_soon_is_reported() -> None:
    """Then the streak starts again."""
    streak = RefusedTokenStreak()
    assert [streak.refused(token(), NOW.after(20)) for _ in range(7)] == [None, None, CONTESTED] * 2 + [None]


def test_a_token_that_is_refused_at_once_is_reported_once() -> None:
    """The log says why it is not renewed."""
    streak, one = RefusedTokenStreak(), token()
    assert [streak.refused(one, NOW.after(9.9)) for _ in range(3)] == [KEPT, None, None]


def test_one_token_counts_once() -> None:
    """Any number of exchanges may see it refused."""
    streak, one = RefusedTokenStreak(), token()
    assert not any(streak.refused(one, NOW.after(20)) for _ in range(10))


def test_a_token_that_was_accepted_for_a_while_ends_the_streak() -> None:
    """A while is ten minutes, or a fifth of its lifetime."""
    streak = RefusedTokenStreak()
    seconds = [20, 20, 601, 20, 20, 20]
    assert [streak.refused(token(), NOW.after(each)) for each in seconds] == [None] * 5 + [CONTESTED]
    assert [streak.refused(token(100), NOW.after(21)) for _ in range(5)] == [None] * 5


def test_a_token_that_was_never_refused_ends_the_streak() -> None:
    """It was replaced because of its age."""
    streak = RefusedTokenStreak()
    streak.refused(token(), NOW)
    streak.refused(token(), NOW)
    streak.replaced(token())
    assert streak.refused(token(), NOW) is KEPT


def test_replacing_a_refused_token_or_none_does_not_end_the_streak() -> None:
    """Each renewal after a refusal does so."""
    streak, last = RefusedTokenStreak(), token()
    streak.refused(token(), NOW)
    streak.refused(last, NOW)
    streak.replaced(last)
    streak.replaced(None)
    assert streak.refused(token(), NOW) is CONTESTED
