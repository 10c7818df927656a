"""Ids of messages."""

from proxy.outbox.message_ids import MessageIds
from tests.fakes.clock import HandClock


def test_ids_are_unique_and_sort_by_time() -> None:
    """Though the clock is set back."""
    clock = HandClock()
    new_id = MessageIds(clock.wall)
    ids = [new_id(), new_id()]
    for seconds in (0.001, 1, -3600, 7200):
        clock.set_wall(seconds)
        ids.append(new_id())
    assert ids == sorted(set(ids))
    assert {len(each) for each in ids} == {32}


def test_two_processes_have_different_ids() -> None:
    """The rest of an id is random."""
    clock = HandClock()
    assert MessageIds(clock.wall)() != MessageIds(clock.wall)()
