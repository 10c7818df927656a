"""Heads that came before."""

import pytest

from proxy.wire.recall import Recall


def heads(count: int, size: int = 0, first: int = 0) -> list[bytes]:
    """So many, each another one."""
    return [b"%d" % number + b"x" * (size - len(b"%d" % number)) for number in range(first, first + count)]


def show(recall: Recall[bytes], shown: list[bytes]) -> None:
    """Each comes once, and stands for itself."""
    for head in shown:
        assert (recall.get(head) or recall.keep(head, head)) == head


def test_what_comes_again_is_kept() -> None:
    """By its octets: what was read the second time."""
    recall: Recall[int] = Recall()
    assert recall.keep(b"head", 1) == 1
    assert recall.get(b"head") is None
    assert recall.keep(b"head", 2) == 2
    assert (recall.get(b"head"), recall.get(b"Head")) == (2, None)


def test_what_comes_once_takes_the_place_of_nothing() -> None:
    """Heads with an id of their own leave a number each, and of these not more than heads may be kept."""
    recall: Recall[bytes] = Recall(most=8)
    show(recall, [b"again", b"again"])
    show(recall, heads(1000))
    assert (recall.get(b"again"), recall.kept) == (b"again", 1)
    assert recall.marks <= 8


def test_a_thousand_heads_in_turn_are_recalled() -> None:
    """A proxy with many routes has many heads that come over and over."""
    recall: Recall[bytes] = Recall(most=4096)
    thousand = heads(1000, size=1000)
    show(recall, thousand * 2)
    assert [recall.get(head) for head in thousand] == thousand


@pytest.mark.parametrize(("size", "most"), [(0, Recall.MOST), (Recall.LARGEST, Recall.ROOM // Recall.LARGEST)])
def test_when_there_is_no_room_all_is_forgotten(size: int, most: int) -> None:
    """Memory is bounded in heads and in octets; there is room for as much again then."""
    recall: Recall[bytes] = Recall(most=most if size == 0 else 2 * most)
    for first in (10_000, 20_000):
        shown = heads(most, size, first)
        show(recall, [each for head in shown for each in (head, head)])
        assert (recall.kept, [recall.get(head) for head in shown]) == (most, shown)


def test_a_very_long_head_is_not_kept() -> None:
    """However often it comes."""
    recall: Recall[bytes] = Recall()
    show(recall, [b"x" * (Recall.LARGEST + 1)] * 3)
    assert recall.kept == 0
