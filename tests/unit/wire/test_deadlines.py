"""Deadlines, on a clock moved by hand."""

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from proxy.wire.deadlines import NEVER, TICK, Deadlines
from tests.cases import cases
from tests.fakes.loop import HandLoop


class Thing:
    """Counts its expiries."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired: list[float] = []

    def deadline_reached(self) -> None:
        """Note the deadline that is set by then."""
        self.expired.append(self.deadline)


@pytest.fixture
def loop() -> HandLoop:
    """Time by hand, from 0."""
    return HandLoop(monotonic=0.0)


@pytest.fixture
def deadlines(loop: HandLoop) -> Deadlines:
    """Deadlines on it."""
    return loop.deadlines()


def test_now_is_the_loops_time(loop: HandLoop, deadlines: Deadlines) -> None:
    """What deadlines are compared with."""
    loop.advance(5)

    assert deadlines.now() == 5


def test_what_is_due_expires_once(loop: HandLoop, deadlines: Deadlines) -> None:
    """At most a tick late."""
    thing = Thing(1.0)
    deadlines.watch(thing)

    loop.advance(1.0 - TICK)
    assert thing.expired == []
    loop.advance(TICK)
    assert thing.expired == [NEVER]
    loop.advance(100)
    assert thing.expired == [NEVER]


def test_a_deadline_moves_by_assignment(loop: HandLoop, deadlines: Deadlines) -> None:
    """Later, or to never."""
    moved, lifted = Thing(1.0), Thing(1.0)
    deadlines.watch(moved)
    deadlines.watch(lifted)

    moved.deadline, lifted.deadline = 2.0, NEVER
    loop.advance(1.75)
    assert (moved.expired, lifted.expired) == ([], [])
    loop.advance(100)
    assert (moved.expired, lifted.expired) == ([NEVER], [])


def test_what_is_forgotten_does_not_expire(loop: HandLoop, deadlines: Deadlines) -> None:
    """Forgetting twice is no error."""
    thing = Thing(1.0)
    deadlines.watch(thing)

    deadlines.forget(thing)
    deadlines.forget(thing)
    loop.advance(100)

    assert thing.expired == []


def test_nobody_looks_when_nothing_is_watched(loop: HandLoop, deadlines: Deadlines) -> None:
    """One timer serves any number."""
    things = [Thing(NEVER), Thing(NEVER)]
    for thing in things:
        deadlines.watch(thing)
    assert loop.pauses == [TICK]

    for thing in things:
        deadlines.forget(thing)
    loop.advance(2 * TICK)
    assert loop.pauses == []

    late = Thing(1.0)
    deadlines.watch(late)
    loop.advance(1.0)
    assert late.expired == [NEVER]


def test_what_is_reached_while_the_process_stood_still_is_read_first(loop: HandLoop, deadlines: Deadlines) -> None:
    """The deadline may have moved by then."""
    answered, silent = Thing(1.0), Thing(1.0)
    deadlines.watch(answered)
    deadlines.watch(silent)

    loop.leap(100)
    assert (answered.expired, silent.expired) == ([], [])
    answered.deadline = 150.0
    loop.advance(0)
    assert (answered.expired, silent.expired) == ([], [NEVER])


@cases("factory", asyncio.SelectorEventLoop, uvloop.new_event_loop)
def test_an_event_loop_reads_before_a_timeout_strikes(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """What is read may come as late as the look."""
    happened: list[str] = []
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)

    class Looked(Thing):
        """Something comes for it when it is looked at."""

        @property
        def deadline(self) -> float:
            """It has passed."""
            if not happened:
                happened.append("look")
                theirs.send(b"x")
            return 0.0

        @deadline.setter
        def deadline(self, moment: float) -> None:
            """It stays."""

        def deadline_reached(self) -> None:
            happened.append("timeout")
            over.set()

    async def stand_still() -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, lambda: happened.append("read") if ours.recv(1) else None)
        Deadlines(loop).watch(Looked(0.0))
        async with asyncio.timeout(30):
            await over.wait()
        loop.remove_reader(ours)

    over = asyncio.Event()
    with ours, theirs, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(stand_still())

    assert happened == ["look", "read", "timeout"]


def test_an_expiry_may_move_the_deadline_of_another(loop: HandLoop, deadlines: Deadlines) -> None:
    """The first gives the other time."""
    things: list[Thing] = []

    class Saviour(Thing):
        """Gives all the others more time."""

        def deadline_reached(self) -> None:
            super().deadline_reached()
            for each in things:
                each.deadline = 50.0

    things += [Saviour(1.0), Saviour(1.0)]
    for thing in things:
        deadlines.watch(thing)
    loop.advance(10)

    assert sorted(len(each.expired) for each in things) == [0, 1]


def test_an_expiry_may_forget_and_watch(loop: HandLoop, deadlines: Deadlines) -> None:
    """Connections come and go while others expire."""
    new = Thing(2.0)

    class Leaving(Thing):
        """Goes, and leaves another behind."""

        def deadline_reached(self) -> None:
            super().deadline_reached()
            deadlines.forget(self)
            deadlines.watch(new)

    leaving = Leaving(1.0)
    deadlines.watch(leaving)
    loop.advance(10)

    assert (leaving.expired, new.expired) == ([NEVER], [NEVER])


def test_a_fault_in_one_expiry_leaves_the_clock_running(loop: HandLoop, deadlines: Deadlines) -> None:
    """The others expire at the next look."""

    class Faulty(Thing):
        """Raises."""

        def deadline_reached(self) -> None:
            raise LookupError

    later = Thing(2.0)
    deadlines.watch(Faulty(1.0))
    deadlines.watch(later)

    with pytest.raises(LookupError):
        loop.advance(1.0)
    loop.advance(10)

    assert later.expired == [NEVER]
