"""What is remembered of heads, and for how long."""

import pytest

from proxy.wire.recall import LARGEST, MOST, ROOM, Recall
from tests.fakes.loop import HandLoop


def heads(count: int, size: int = 0, first: int = 0) -> list[bytes]:
    """So many, each another one."""
    return [b"%d" % number + b"x" * (size - len(b"%d" % number)) for number in range(first, first + count)]


def show(recall: Recall[bytes], shown: list[bytes]) -> None:
    """Each comes once, and stands for itself."""
    for head in shown:
        assert (recall.get(head) or recall.keep(head, head)) == head


def test_what_comes_again_is_kept() -> None:
    """By its octets: what was read the second time."""
    recall: Recall[int] = Recall(HandLoop().deadlines())
    assert recall.keep(b"head", 1) == 1
    assert recall.get(b"head") is None
    assert recall.keep(b"head", 2) == 2
    assert (recall.get(b"head"), recall.get(b"Head")) == (2, None)


def test_what_comes_once_takes_the_place_of_nothing() -> None:
    """Heads with an id of their own leave a number each, and of these not more than heads may be kept."""
    recall: Recall[bytes] = Recall(HandLoop().deadlines(), most=8)
    show(recall, [b"again", b"again"])
    show(recall, heads(1000))
    assert (recall.get(b"again"), recall.kept) == (b"again", 1)
    assert recall.marks <= 8


def test_a_thousand_heads_in_turn_are_recalled() -> None:
    """A proxy with many routes has many heads that come over and over."""
    recall: Recall[bytes] = Recall(HandLoop().deadlines(), most=4096)
    thousand = heads(1000, size=1000)
    show(recall, thousand * 2)
    assert [recall.get(head) for head in thousand] == thousand


@pytest.mark.parametrize(("size", "most"), [(0, MOST), (LARGEST, ROOM // LARGEST)])
def test_when_there_is_no_room_all_is_forgotten(size: int, most: int) -> None:
    """Memory is bounded in heads and in octets; there is room for as much again then."""
    recall: Recall[bytes] = Recall(HandLoop().deadlines(), most=most if size == 0 else 2 * most)
    for first in (10_000, 20_000):
        shown = heads(most, size, first)
        show(recall, [each for head in shown for each in (head, head)])
        assert (recall.kept, [recall.get(head) for head in shown]) == (most, shown)


def test_a_very_long_head_is_not_kept() -> None:
    """However often it comes."""
    recall: Recall[bytes] = Recall(HandLoop().deadlines())
    show(recall, [b"x" * (LARGEST + 1)] * 3)
    assert recall.kept == 0


@pytest.fixture
def loop() -> HandLoop:
    """Time by hand."""
    return HandLoop()


@pytest.fixture
def recall(loop: HandLoop) -> Recall[bytes]:
    """One on that clock."""
    return Recall(loop.deadlines(), most=8)


def test_nothing_is_remembered_for_longer_than_a_minute(recall: Recall[bytes], loop: HandLoop) -> None:
    """The minute is that of the first head; those that came later are forgotten with it."""
    show(recall, [b"first"] * 2)
    loop.advance(59)
    show(recall, [b"second"] * 2)
    assert (recall.get(b"first"), recall.get(b"second")) == (b"first", b"second")
    loop.advance(1.5)
    assert recall.kept == 0


def test_each_minute_is_followed_by_another(recall: Recall[bytes], loop: HandLoop) -> None:
    """And in between there is nothing to be done: the clock stands still where nothing is remembered."""
    for _ in range(3):
        show(recall, [b"head"] * 2)
        loop.advance(59)
        assert recall.get(b"head") == b"head"
        loop.advance(1.5)
        assert (recall.get(b"head"), loop.pauses) == (None, [])


def test_what_makes_room_begins_a_new_minute(recall: Recall[bytes], loop: HandLoop) -> None:
    """All that was there before has gone."""
    show(recall, [each for head in heads(8) for each in (head, head)])
    loop.advance(40)
    show(recall, [b"new"] * 2)
    loop.advance(40)
    assert (recall.get(b"0"), recall.get(b"new")) == (None, b"new")
