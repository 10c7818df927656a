"""What is remembered of heads, and for how long."""

import pytest

from proxy.wire.recall import Recall
from tests.fakes.loop import HandLoop


@pytest.fixture
def loop() -> HandLoop:
    """Time by hand."""
    return HandLoop()


@pytest.fixture
def recall(loop: HandLoop) -> Recall[int]:
    """One that remembers numbers."""
    return Recall(loop.deadlines())


def test_it_is_bounded(recall: Recall[int]) -> None:
    """Senders with ever new heads, or very long ones, do not fill the memory."""
    for number in range(3 * Recall.MOST):
        recall.keep(b"%d" % number, number)
    recall.keep(b"x" * (Recall.LARGEST + 1), 1)
    assert len(recall._known) <= Recall.MOST
    assert (recall.get(b"%d" % (3 * Recall.MOST - 1)), recall.get(b"0")) == (3 * Recall.MOST - 1, None)


def test_nothing_is_remembered_for_longer_than_a_minute(recall: Recall[int], loop: HandLoop) -> None:
    """The minute is that of the first head; those that came later are forgotten with it."""
    recall.keep(b"first", 1)
    loop.advance(59)
    recall.keep(b"second", 2)
    assert (recall.get(b"first"), recall.get(b"second")) == (1, 2)
    loop.advance(1.5)
    assert recall._known == {}


def test_each_minute_is_followed_by_another(recall: Recall[int], loop: HandLoop) -> None:
    """And in between there is nothing to be done: the clock stands still where nothing is remembered."""
    for number in range(3):
        recall.keep(b"head", number)
        loop.advance(59)
        assert recall.get(b"head") == number
        loop.advance(1.5)
        assert (recall.get(b"head"), loop.pauses) == (None, [])


def test_what_makes_room_begins_a_new_minute(recall: Recall[int], loop: HandLoop) -> None:
    """All that was there before has gone."""
    for number in range(Recall.MOST):
        recall.keep(b"%d" % number, number)
    loop.advance(40)
    recall.keep(b"new", 1)
    loop.advance(40)
    assert (recall.get(b"0"), recall.get(b"new")) == (None, 1)
