"""Lost spans are logged once a minute, with their number."""

import asyncio
import threading

from proxy.observe.losses import INTERVAL, Losses
from tests.fakes.traces import Events


class MovedLosses(Losses):
    """By a hand-moved clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.time = 0.0
        self.events = Events()
        super().__init__(self.events, loop or asyncio.get_running_loop(), lambda: self.time)

    @property
    def logged(self) -> list[tuple[int, str]]:
        assert {event for event, _ in self.events.warnings} <= {"traces.not_exported"}
        return [(fields["spans"], fields["reason"]) for _, fields in self.events.warnings]


async def turn() -> None:
    """For what other threads scheduled."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_first_loss_is_logged_at_once_and_the_next_ones_together() -> None:
    """After the interval."""
    losses = MovedLosses()
    for spans in (1, 2, 3):
        losses.lose(spans, "ConnectionError")
    await turn()
    assert losses.logged == [(1, "ConnectionError")]
    losses.time = INTERVAL
    losses.lose(4, "status 503")
    await turn()
    assert losses.logged == [(1, "ConnectionError"), (9, "status 503")]


async def test_closing_logs_the_rest_once() -> None:
    """Not the second close."""
    losses = MovedLosses()
    losses.made, losses.accepted = 10, 7
    losses.lose(1, "a")
    losses.lose(2, "b")
    await turn()
    losses.close("no answer")
    losses.close("no answer")
    assert losses.logged == [(1, "a"), (2, "b")]


async def test_closing_logs_nothing_if_all_spans_were_accepted() -> None:
    """Or there were none."""
    for spans in (0, 3):
        losses = MovedLosses()
        losses.made = losses.accepted = spans
        losses.close("no answer")
        assert losses.logged == []


async def test_closing_logs_spans_whose_fate_is_unknown() -> None:
    """What is lost later is not."""
    losses = MovedLosses()
    losses.made, losses.accepted = 10, 3
    for _ in range(2):
        losses.lose(1, "queue full")
    await turn()
    losses.close("no answer")
    losses.lose(6, "late")
    await turn()
    assert losses.logged == [(1, "queue full"), (6, "no answer")]


async def test_losses_of_other_threads_are_logged_in_the_loops_thread() -> None:
    """The log has one thread."""
    losses, threads = MovedLosses(), list[int]()
    losses.events.warning = lambda *_, **__: threads.append(threading.get_ident())  # type: ignore[method-assign]
    await asyncio.to_thread(losses.lose, 1, "a")
    await turn()
    assert threads == [threading.get_ident()]


def test_a_loss_after_the_end_of_the_loop_is_ignored() -> None:
    """A hanging export fails as late."""
    loop = asyncio.new_event_loop()
    losses = MovedLosses(loop)
    loop.close()
    losses.lose(1, "late")
    assert losses.logged == []
