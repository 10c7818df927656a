"""Spans that were not exported are told of at most once a minute, with their number."""

import asyncio
import threading

from proxy.observe.losses import INTERVAL, Losses
from tests.fakes.traces import Events


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        """Its time."""
        return self.time


async def turn() -> None:
    """Let what threads have asked for happen."""
    for _ in range(3):
        await asyncio.sleep(0)


def told(events: Events) -> list[tuple[int, str]]:
    """(spans, reason) of each line."""
    assert {event for event, _ in events.warnings} <= {"traces.not_exported"}
    return [(fields["spans"], fields["reason"]) for _, fields in events.warnings]


async def test_the_first_loss_is_told_at_once_and_the_next_ones_together() -> None:
    """When the interval is over."""
    events, clock = Events(), Hand()
    losses = Losses(events, asyncio.get_running_loop(), clock)
    for spans in (1, 2, 3):
        losses.lose(spans, "ConnectionError")
    await turn()
    assert told(events) == [(1, "ConnectionError")]
    clock.time = INTERVAL
    losses.lose(4, "status 503")
    await turn()
    assert told(events) == [(1, "ConnectionError"), (9, "status 503")]


async def test_what_was_not_told_is_told_at_the_end_and_nothing_else() -> None:
    """Once."""
    events = Events()
    losses = Losses(events, asyncio.get_running_loop(), Hand())
    losses.made, losses.taken = 10, 7
    losses.lose(1, "a")
    losses.lose(2, "b")
    await turn()
    losses.close("no answer")
    losses.close("no answer")
    assert told(events) == [(1, "a"), (2, "b")]


async def test_nothing_is_told_where_all_was_taken() -> None:
    """Be it nothing."""
    events = Events()
    Losses(events, asyncio.get_running_loop()).close("no answer")
    losses = Losses(events, asyncio.get_running_loop())
    losses.made = losses.taken = 3
    losses.close("no answer")
    assert not events.warnings


async def test_what_nobody_has_noted_is_told_at_the_end_too() -> None:
    """Made, neither taken nor noted: it is still waiting, or found no room."""
    events = Events()
    losses = Losses(events, asyncio.get_running_loop(), Hand())
    losses.made, losses.taken = 10, 3
    losses.lose(1, "queue full")
    await turn()
    losses.lose(2, "queue full")
    await turn()
    losses.close("no answer")
    losses.lose(6, "late")
    await turn()
    assert told(events) == [(1, "queue full"), (6, "no answer")]


async def test_losses_of_other_threads_are_told_in_the_loops() -> None:
    """Lines of the log belong to it."""
    events, here = Events(), threading.get_ident()
    threads: list[int] = []
    events.warning = lambda *_, **__: threads.append(threading.get_ident())  # type: ignore[method-assign]
    losses = Losses(events, asyncio.get_running_loop(), Hand())
    await asyncio.to_thread(losses.lose, 1, "a")
    await turn()
    assert threads == [here]


def test_a_loss_after_the_end_is_nobodys() -> None:
    """A send that hangs may fail when the loop has ended."""
    loop, events = asyncio.new_event_loop(), Events()
    losses = Losses(events, loop, Hand())
    loop.close()
    losses.lose(1, "late")
    assert not events.warnings
