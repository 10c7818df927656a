"""Which of many like lines are written."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.repeats import FIRST, Repeats


def test_the_first_are_written_and_the_others_counted() -> None:
    """Of each cause for itself."""
    repeats: Repeats[str] = Repeats()
    assert [repeats.admits("a") for _ in range(FIRST + 3)] == [True] * FIRST + [False] * 3
    assert repeats.admits("b")
    assert repeats.end() == {"a": 3}


def test_another_interval_begins_anew() -> None:
    """Also where nothing was left to tell."""
    repeats: Repeats[str] = Repeats()
    assert not repeats
    repeats.admits("a")
    assert repeats
    assert (repeats.end(), bool(repeats)) == ({}, False)
    assert [repeats.admits("a") for _ in range(FIRST)] == [True] * FIRST


@given(st.lists(st.sampled_from("abc")))
def test_each_is_written_or_counted(causes: list[str]) -> None:
    """None is lost, none told twice, and at most so many of a cause are written."""
    repeats: Repeats[str] = Repeats()
    written = [cause for cause in causes if repeats.admits(cause)]
    counted = repeats.end()
    for cause in "abc":
        assert written.count(cause) + counted.get(cause, 0) == causes.count(cause)
        assert written.count(cause) <= FIRST
