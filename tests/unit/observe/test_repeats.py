"""Equal lines are written a few times."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.repeats import FIRST, Repeats


def test_the_first_lines_are_written_and_the_rest_counted() -> None:
    """By cause and interval."""
    repeats: Repeats[str] = Repeats()
    for _ in range(2):
        assert not repeats
        assert [repeats.admits("a") for _ in range(FIRST + 3)] == [True] * FIRST + [False] * 3
        assert repeats.admits("b")
        assert repeats
        assert repeats.end() == {"a": 3}


@given(st.lists(st.sampled_from("abc")))
def test_each_line_is_either_written_or_counted(causes: list[str]) -> None:
    """FIRST of a cause at most are written."""
    repeats: Repeats[str] = Repeats()
    written = [cause for cause in causes if repeats.admits(cause)]
    counted = repeats.end()
    for cause in "abc":
        assert written.count(cause) + counted.get(cause, 0) == causes.count(cause)
        assert written.count(cause) <= FIRST
